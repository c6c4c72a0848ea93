import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Report } from "../../report/report.ts";

interface Props {
  readonly text: string;
  readonly report: Report | null;
  /** Run another scenario. */
  readonly onRun: (text: string) => void;
}

/** The scenario as YAML, to copy or to change, and the report of its run. */
export function ScenarioPanel({ text, report, onRun }: Props): VNode {
  const [edited, setEdited] = useState(text);
  const [said, setSaid] = useState("");
  useEffect(() => {
    setEdited(text);
    setSaid("");
  }, [text]);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(edited);
    setSaid("Copied. Save it as page.yaml and type: normsim run page.yaml");
  };
  return (
    <section>
      <h2>The scenario</h2>
      <p>
        What the controls say, as the file that <code>normsim run</code> reads to the same numbers. Change it
        here to run what the controls do not offer.
      </p>
      <textarea
        aria-label="Scenario as YAML"
        spellcheck={false}
        rows={Math.min(30, edited.split("\n").length + 1)}
        value={edited}
        onInput={({ currentTarget }) => setEdited(currentTarget.value)}
      />
      <div class="controls">
        <button type="button" onClick={() => void copy()}>
          Copy as YAML
        </button>
        <button type="button" disabled={edited === text} onClick={() => onRun(edited)}>
          Run this scenario
        </button>
        <button type="button" disabled={report === null} onClick={() => download(report!)}>
          Download the report (JSON)
        </button>
        <span role="status">{said}</span>
      </div>
    </section>
  );
}

/** As `normsim run --json` writes it. */
function download(report: Report): void {
  const url = URL.createObjectURL(
    new Blob([`${JSON.stringify(report, null, 2)}\n`], { type: "application/json" }),
  );
  const link = document.createElement("a");
  link.href = url;
  link.download = "report.json";
  link.click();
  URL.revokeObjectURL(url);
}
