/**
 * A file: picked or dropped and stored in the drive, or named by a URL or a drive path. What is sent
 * is text either way.
 */
import { useMutation, useQuery } from "@tanstack/react-query";
import { Upload, X } from "lucide-react";
import { type DragEvent, useEffect, useId, useState } from "react";
import type { Signed } from "wire";
import { call, puras } from "../api/client";
import { told } from "../api/refusal";
import { useSignedIn } from "../session/use-session";
import { Button, IconButton } from "../ui/button";
import { Field, Input } from "../ui/field";
import { Media } from "../ui/media";
import css from "./form.module.css";
import { type FieldProps, useFault } from "./form-context";
import type { FileType, Field as SchemaOf } from "./schema";
import { isNode } from "./schema";
import { labelled } from "./simple-fields";

type Props = FieldProps & { field: SchemaOf & { kind: "file" } };

const ACCEPTED: Readonly<Record<FileType, string | undefined>> = {
  image: "image/*",
  video: "video/*",
  audio: "audio/*",
  file: undefined,
};

export function FileField({ field, value, onChange, ...props }: Props) {
  const fault = useFault(props.path);
  const [picked, setPicked] = useState<File>();
  const upload = useMutation({
    mutationFn: (file: File) => puras.upload(file),
    onMutate: setPicked,
    onSuccess: ({ drive_path }) => onChange(drive_path),
    meta: { isTold: true },
  });
  const change = (next: unknown) => {
    setPicked(undefined);
    upload.reset();
    onChange(next);
  };
  const named = nameOf(value);
  return (
    <Field
      {...labelled(field, props)}
      fault={upload.isError ? `It could not be stored: ${told(upload.error)}` : fault}
    >
      {(ties) => (
        <div className={css["file"]}>
          <Picker
            type={field.fileType}
            label={String(field.title ?? props.name)}
            isBusy={upload.isPending}
            onPick={(file) => upload.mutate(file)}
          />
          <span className={css["named"]}>
            <Input
              {...ties}
              placeholder="or a URL, or a path in the drive"
              value={named}
              onChange={({ target }) => change(target.value || undefined)}
            />
            {named && (
              <IconButton label="Take it away" onClick={() => change(undefined)}>
                <X size={16} aria-hidden />
              </IconButton>
            )}
          </span>
          <Preview type={field.fileType} name={named} picked={picked} />
        </div>
      )}
    </Field>
  );
}

interface PickerProps {
  type: FileType;
  label: string;
  isBusy: boolean;
  onPick: (file: File) => void;
}

function Picker({ type, label, isBusy, onPick }: PickerProps) {
  const id = useId();
  const isSignedIn = useSignedIn() !== undefined;
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const [file] = event.dataTransfer.files;
    if (file) onPick(file);
  };
  if (!isSignedIn) return null;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button inside does the same
    <div
      className={css["drop"]}
      data-over={isOver || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <input
        id={id}
        type="file"
        accept={ACCEPTED[type]}
        aria-label={`A file for ${label}`}
        tabIndex={-1}
        className="visually-hidden"
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file) onPick(file);
          target.value = "";
        }}
      />
      <Button
        isBusy={isBusy}
        aria-label={`Choose a file for ${label}`}
        onClick={() => document.getElementById(id)?.click()}
      >
        {!isBusy && <Upload size={16} aria-hidden />}
        {isBusy ? "Storing" : "Choose a file"}
      </Button>
      <span className={css["hint"]}>or drop {type === "file" ? "it" : `the ${type}`} here</span>
    </div>
  );
}

interface PreviewProps {
  type: FileType;
  name: string;
  picked: File | undefined;
}

function Preview({ type, name, picked }: PreviewProps) {
  const local = useObjectUrl(picked);
  const isUrl = /^(https?:|data:)/.test(name);
  const isInDrive = name !== "" && !isUrl && !picked;
  const signed = useQuery({
    queryKey: ["signed", name],
    queryFn: ({ signal }) =>
      call<Signed>("/v1/drive/sign", { method: "POST", body: { path: name }, signal }),
    enabled: isInDrive,
    retry: false,
    staleTime: 600_000,
  });
  if (isInDrive && signed.isError) return <p className={css["hint"]}>{told(signed.error)}</p>;
  const url = local ?? (isUrl ? name : signed.data?.signed_url);
  if (!url || name.length < 8 || type === "file") return null;
  return (
    <div className={css["preview"]}>
      <Media type={type} url={url} alt="what you chose" />
    </div>
  );
}

function useObjectUrl(file: File | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!file) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => {
      URL.revokeObjectURL(made);
      setUrl(undefined);
    };
  }, [file]);
  return url;
}

/** A file as text, also where an example has it as an object. */
function nameOf(value: unknown): string {
  if (typeof value === "string") return value;
  const told = isNode(value) ? (value["drive_path"] ?? value["url"] ?? value["data"]) : undefined;
  return typeof told === "string" ? told : "";
}
