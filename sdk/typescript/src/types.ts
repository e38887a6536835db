/** What a skill takes and gives, as `puras types` writes it. */
export interface SkillType {
  inputs: object;
  result: object;
}

/**
 * The skills that a project knows by their path. It is empty here; the files that `puras types`
 * writes add to it, and from then on `run` is checked for those paths.
 */
export interface Skills {}

/**
 * A path: one of those that are known, or any other.
 *
 * Of `run` there are two overloads: `run<Skill extends SkillType = never>(skill: string, inputs:
 * Skill["inputs"], options?)` for a type that is named, and `run<Path extends SkillPath>(skill:
 * Path, ...rest: RunArguments<Path, RunOptions>)` for all other calls. The default `never` keeps
 * the first one out of calls that name no type.
 */
export type SkillPath = keyof Skills | (string & {});

/** The arguments of `run` after the path. Inputs may be left out where none is needed. */
export type RunArguments<Path extends SkillPath, Options> = Path extends keyof Skills
  ? Arguments<Skills[Path], Options>
  : [inputs?: Record<string, unknown>, options?: Options];

/** What `run` resolves with: anything, where the path is not known. */
export type RunResult<Path extends SkillPath> = Path extends keyof Skills
  ? ResultOf<Skills[Path]>
  : Record<string, unknown>;

type Arguments<Skill, Options> = Skill extends SkillType
  ? Record<string, never> extends Skill["inputs"]
    ? [inputs?: Skill["inputs"], options?: Options]
    : [inputs: Skill["inputs"], options?: Options]
  : never;

type ResultOf<Skill> = Skill extends SkillType ? Skill["result"] : never;
