/** Sending an archive, with its progress, which `fetch` can't tell. */
import type { Deployment } from "wire";
import { session } from "../api/client";
import { refusalOf } from "../api/refusal";
import type { Bundle } from "./bundle/bundle";

export interface Upload {
  /** The skillpack's id or slug. */
  readonly skillpack: string;
  readonly bundle: Bundle;
  readonly isActivated: boolean;
  readonly notes: string;
  /** The same for the same try: sent twice, it is deployed once. */
  readonly idempotencyKey: string;
  readonly onProgress: (fraction: number) => void;
}

/** @throws PurasAPIError where it was refused, TypeError where no answer came. */
export async function upload(wanted: Upload): Promise<Deployment> {
  const token = await session.token();
  const response = await send(wanted, token);
  if (response.status === 401 && token) await session.doubt(token);
  const text = await response.text();
  if (!response.ok) throw refusalOf(response, text);
  return JSON.parse(text) as Deployment;
}

function send(wanted: Upload, token: string | undefined): Promise<Response> {
  const request = new XMLHttpRequest();
  request.open("POST", `/v1/skillpacks/${encodeURIComponent(wanted.skillpack)}/deployments`);
  if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
  request.setRequestHeader("Idempotency-Key", wanted.idempotencyKey);
  return new Promise((resolve, reject) => {
    const unreachable = () => reject(new TypeError("no answer"));
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) wanted.onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => resolve(answered(request)));
    request.addEventListener("error", unreachable);
    request.addEventListener("abort", unreachable);
    request.send(formOf(wanted));
  });
}

function answered(request: XMLHttpRequest): Response {
  const id = request.getResponseHeader("x-request-id");
  return new Response(request.responseText, {
    status: request.status,
    headers: id ? { "X-Request-Id": id } : {},
  });
}

function formOf({ bundle, isActivated, notes }: Upload): FormData {
  const form = new FormData();
  form.set("activate", String(isActivated));
  if (notes.trim()) form.set("notes", notes.trim());
  form.set("bundle", bundle.archive, "bundle.zip");
  return form;
}

/** A key for one try; `crypto.randomUUID` is there on secure origins alone. */
export function newIdempotencyKey(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
