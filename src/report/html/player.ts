/**
 * The script that shows the steps of a schedule one at a time: buttons, and the arrow keys while one of them has the focus.
 * Without it, and in print, all steps are there.
 */
export const playerScript: string = `
for (const player of document.querySelectorAll("[data-player]")) {
  const steps = [...player.querySelectorAll("li.step")];
  const controls = document.createElement("div");
  controls.className = "controls";
  controls.setAttribute("role", "group");
  controls.setAttribute("aria-label", "Steps of the collective");
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  let current = 0;
  let timer;
  const show = (index) => {
    current = (index + steps.length) % steps.length;
    for (const [at, step] of steps.entries()) step.hidden = at !== current;
    status.textContent = "Step " + current + " of " + (steps.length - 1);
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    play.textContent = "Play";
  };
  const button = (text, action) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", action);
    controls.append(made);
    return made;
  };
  const go = (by) => () => { stop(); show(current + by); };
  const previous = button("Previous", go(-1));
  const play = button("Play", () => {
    if (timer !== undefined) return stop();
    play.textContent = "Pause";
    timer = setInterval(() => {
      if (current === steps.length - 1) stop();
      else show(current + 1);
    }, 1200);
    show(current === steps.length - 1 ? 0 : current + 1);
  });
  const next = button("Next", go(1));
  controls.addEventListener("keydown", ({ key }) => {
    if (key === "ArrowLeft") previous.click();
    else if (key === "ArrowRight") next.click();
  });
  controls.append(status);
  player.prepend(controls);
  player.classList.add("live");
  show(0);
}
`;
