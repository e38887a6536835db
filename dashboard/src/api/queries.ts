/**
 * The cache of what was read. No request fails silently: a page that has nothing to show tells why
 * (`ui/loaded.tsx`); what fails behind one that shows something, and every action that fails, is
 * told in a toast. An action that shows its failure itself says so: `meta: { isTold: true }`.
 */
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { PurasAPIError } from "puras";
import { tellFailure } from "../ui/toasts";

export const queries = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, query) => {
      if (query.state.data !== undefined) tellFailure(error);
    },
  }),
  mutationCache: new MutationCache({
    onError: (error, _variables, _result, mutation) => {
      if (!mutation.meta?.["isTold"]) tellFailure(error);
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => failures < 2 && mayPass(error),
    },
  },
});

function mayPass(error: unknown): boolean {
  return !(error instanceof PurasAPIError) || error.status >= 500 || error.status === 429;
}
