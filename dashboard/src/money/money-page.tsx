/** What the workspace has, what it spends and on what, and what it may spend. */
import { useQuery } from "@tanstack/react-query";
import type { Balance } from "wire";
import { call } from "../api/client";
import { Page } from "../shell/page";
import { Figure, Figures } from "../ui/facts";
import { dollars } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Budgets } from "./budgets";
import { Ledger } from "./ledger";
import { SpendPanel } from "./spend-panel";

const EVERY_MS = 10_000;

export default function MoneyPage() {
  const balance = useQuery({
    queryKey: ["balance"],
    queryFn: ({ signal }) => call<Balance>("/v1/billing/balance", { signal }),
    refetchInterval: EVERY_MS,
  });
  return (
    <Page title="Money" about="Times and days are UTC.">
      <Loaded query={balance} what="the balance">
        {({ balance_micros, spent_today_micros }) => (
          <Figures>
            <Figure name="balance">{dollars(balance_micros)}</Figure>
            <Figure name="spent today">{dollars(spent_today_micros)}</Figure>
          </Figures>
        )}
      </Loaded>
      <SpendPanel />
      <Budgets />
      <Ledger />
    </Page>
  );
}
