/** Buttons that open the browser's own choosers, for a folder and for a zip. */
import { type ChangeEvent, useRef } from "react";
import { Button } from "../ui/button";
import { readFiles } from "./bundle/reading";
import { choose } from "./chosen";
import css from "./deploy.module.css";

export function ChooseButtons() {
  const folder = useRef<HTMLInputElement>(null);
  const zip = useRef<HTMLInputElement>(null);
  const onChange = (event: ChangeEvent<HTMLInputElement>) => {
    const files = [...(event.target.files ?? [])];
    event.target.value = "";
    void choose(readFiles(files));
  };
  return (
    <div className={css["buttons"]}>
      <Button kind="primary" onClick={() => folder.current?.click()}>
        Choose a folder
      </Button>
      <Button onClick={() => zip.current?.click()}>Choose a zip</Button>
      <input
        ref={folder}
        type="file"
        hidden
        aria-label="A folder of skills"
        // @ts-expect-error React's types do not know it; every browser does.
        webkitdirectory=""
        onChange={onChange}
      />
      <input
        ref={zip}
        type="file"
        hidden
        aria-label="A zip of skills"
        accept=".zip,application/zip"
        onChange={onChange}
      />
    </div>
  );
}
