/** What is shown where there is nothing. */
import { HOME } from "../home";
import { LinkButton } from "../ui/button";
import { Empty } from "../ui/panel";
import { Page } from "./page";

export function Missing() {
  return (
    <Page title="There is no such page">
      <Empty title="The address leads nowhere">
        <LinkButton href={HOME}>To the skills</LinkButton>
      </Empty>
    </Page>
  );
}
