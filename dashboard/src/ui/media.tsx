/** Pictures, films and sounds, each with the browser's own player. */
import { useState } from "react";
import css from "./media.module.css";

export interface MediaProps {
  type: "image" | "video" | "audio";
  url: string;
  /** What it is. */
  alt: string;
}

export function Media({ type, url, alt }: MediaProps) {
  const [failed, setFailed] = useState<string>();
  const onError = () => setFailed(url);
  if (failed === url) return <p className={css["failed"]}>It can't be shown here.</p>;
  if (type === "image") {
    return <img src={url} alt={alt} loading="lazy" className={css["media"]} onError={onError} />;
  }
  if (type === "video") {
    return (
      // biome-ignore lint/a11y/useMediaCaption: what a skill makes has none
      <video
        src={url}
        controls
        preload="metadata"
        aria-label={alt}
        className={css["media"]}
        onError={onError}
      />
    );
  }
  return (
    // biome-ignore lint/a11y/useMediaCaption: what a skill makes has none
    <audio
      src={url}
      controls
      preload="metadata"
      aria-label={alt}
      className={css["audio"]}
      onError={onError}
    />
  );
}
