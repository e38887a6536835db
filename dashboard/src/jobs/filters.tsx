/** Which jobs are listed; it stands in the address, so it can be kept and shared. */
import { useSearchParams } from "wouter";
import { useSkills } from "../skills/skills";
import { Button } from "../ui/button";
import { Field, Select } from "../ui/field";
import { STATUSES } from "./job-words";
import css from "./jobs.module.css";

const NAMES = ["status", "skillpack", "skill"] as const;
type Name = (typeof NAMES)[number];

export function Filters() {
  const [search, setSearch] = useSearchParams();
  const skills = useSkills().data ?? [];
  const pack = search.get("skillpack");
  const options: Record<Name, string[]> = {
    status: [...STATUSES],
    skillpack: unique(skills.map(({ skillpack }) => skillpack.slug)),
    skill: unique(
      skills
        .filter(({ skillpack }) => !pack || skillpack.slug === pack)
        .map(({ skill }) => skill.name),
    ),
  };
  const choose = (name: Name, value: string) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (value) next.set(name, value);
      else next.delete(name);
      // Another skillpack has other skills.
      if (name === "skillpack") next.delete("skill");
      return next;
    });
  const isFiltered = NAMES.some((name) => search.get(name));
  return (
    <search className={css["filters"]}>
      {NAMES.map((name) => (
        <Filter
          key={name}
          name={name}
          value={search.get(name) ?? ""}
          options={options[name]}
          onChange={(value) => choose(name, value)}
        />
      ))}
      {isFiltered && (
        <Button kind="quiet" onClick={() => setSearch({})}>
          Show all
        </Button>
      )}
    </search>
  );
}

interface FilterProps {
  name: Name;
  value: string;
  options: readonly string[];
  onChange: (value: string) => void;
}

const LABELS: Record<Name, string> = { status: "Status", skillpack: "Skillpack", skill: "Skill" };

/** What the address asks for can be chosen, also where it is not (or no longer) known. */
function Filter({ name, value, options, onChange }: FilterProps) {
  return (
    <Field label={LABELS[name]}>
      {(ties) => (
        <Select {...ties} value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">any</option>
          {unique([...options, ...(value ? [value] : [])]).map((option) => (
            <option key={option}>{option}</option>
          ))}
        </Select>
      )}
    </Field>
  );
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
