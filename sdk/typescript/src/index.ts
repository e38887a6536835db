/** Everything that `import … from "puras"` gives. */
export { Puras, Puras as Client } from "./client";
export {
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InsufficientCreditsError,
  InvalidRequestError,
  JobError,
  MissingKeyError,
  NotFoundError,
  PayloadTooLargeError,
  PermissionDeniedError,
  PurasAPIError,
  PurasConnectionError,
  PurasError,
  PurasTimeoutError,
  RateLimitError,
  ServerError,
  SkillPathError,
  StreamLineTooLongError,
} from "./errors";
export type {
  EventsOptions,
  FeedbackOptions,
  Job,
  JobEvent,
  PurasOptions,
  RunArguments,
  RunOptions,
  RunResult,
  SkillPath,
  Skills,
  SkillType,
  SubmitOptions,
  UploadOptions,
  WaitOptions,
} from "./types";
export type { Fault, Feedback, JobStatus, OutputFile, Uploaded } from "./wire";
