const substitutes: Readonly<Record<string, string>> = {
  "█": "#",
  "·": ".",
  "−": "-",
  "²": "^2",
  "√": "sqrt",
  "\u0302": "^", // the hat of x̂
  ε: "eps",
  β: "beta",
};

/** The text without the characters beyond ASCII that an explanation uses. */
export function toAscii(text: string): string {
  return [...text].map((character) => substitutes[character] ?? character).join("");
}
