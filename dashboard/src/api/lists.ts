/** Lists that come in pages: what was read of one so far, and how to read on. */
import { type UseInfiniteQueryResult, useInfiniteQuery } from "@tanstack/react-query";
import { callPage } from "./client";

/** The most that the server gives in one page. */
export const WHOLE_PAGE = 200;

export interface ListOptions {
  /** What is left empty is not asked for. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Read it again so often while the page is looked at. Default: only when it is stale. */
  readonly everyMs?: number;
}

/** Read a list, a page at a time; `data` is all that was read. New query, new list. */
export function useList<Item>(
  path: string,
  { query = {}, everyMs }: ListOptions = {},
): UseInfiniteQueryResult<Item[]> {
  return useInfiniteQuery({
    queryKey: [path, query],
    queryFn: ({ pageParam, signal }) =>
      pageParam ? callPage<Item>(pageParam, { signal }) : callPage<Item>(path, { query, signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    select: ({ pages }) => pages.flatMap(({ items }) => items),
    refetchInterval: everyMs ?? false,
  });
}
