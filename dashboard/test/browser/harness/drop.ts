/** Dropping real files and folders of this machine on a page, which only the browser itself can do. */
import type { Page } from "playwright-core";

const AT = { x: 400, y: 300 };
const COPY = 1;

/** Hold files over the page; `letGo` drops them. */
export async function drag(page: Page, paths: string[]): Promise<{ letGo: () => Promise<void> }> {
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: COPY };
  const send = (type: "dragEnter" | "dragOver" | "drop") =>
    devtools.send("Input.dispatchDragEvent", { type, data, ...AT });
  await send("dragEnter");
  await send("dragOver");
  return {
    letGo: async () => {
      await send("drop");
      await devtools.detach();
    },
  };
}

export async function drop(page: Page, ...paths: string[]): Promise<void> {
  const { letGo } = await drag(page, paths);
  await letGo();
}
