import type { Action } from '../errors.ts'
import type { AppraisalCode } from './failure.ts'
import type { Blame } from './result.ts'

/** What follows from whose fault it is. Evidence that cannot hold is a security failure: someone made it. */
const byBlame = {
  evidence: 'stop',
  endorsement: 'fetch-again',
  policy: 'other-node',
  registry: 'stop',
} as const satisfies Record<Blame, Action>

/** Where the cause is more likely age than malice, or the caller's own. */
const byCode: Partial<Record<AppraisalCode, Action>> = {
  'network-refused': 'fix-call',
  'clock-behind': 'fix-call',
  'registry-format': 'fetch-again',
  'registry-rollback': 'fetch-again',
  'registry-not-yet-valid': 'fetch-again',
  'registry-expired': 'fetch-again',
  'stamp-format': 'fetch-again',
  'stamp-registry': 'fetch-again',
  'stamp-rollback': 'fetch-again',
  'stamp-expired': 'fetch-again',
  'claims-not-yet-valid': 'fetch-again',
  'claims-expired': 'fetch-again',
  'statement-dates': 'fetch-again',
}

/** What the caller should do about a refusal. */
export function actionFor(code: AppraisalCode, blame: Blame): Action {
  return byCode[code] ?? byBlame[blame]
}
