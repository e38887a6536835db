/** Whose job it was: the name of its key, for who may see keys; else the end of its id. */
import { useQuery } from "@tanstack/react-query";
import type { Key } from "wire";
import { call } from "../api/client";

export function KeyName({ id }: { id: string }) {
  const key = useQuery({
    queryKey: ["keys", id],
    queryFn: ({ signal }) => call<Key>(`/v1/keys/${id}`, { signal }),
    retry: false,
  });
  return key.data ? key.data.name : <code>…{id.slice(-8)}</code>;
}
