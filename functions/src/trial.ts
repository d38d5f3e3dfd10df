/** A free trial: so many questions in a window that starts with the first. Pure; times are Unix milliseconds. */
export const TRIAL_WINDOW = 30 * 24 * 60 * 60 * 1000

export interface TrialState {
  /** Start of the window; 0 before the first question. */
  readonly started: number
  /** Questions asked or under way in this window. */
  readonly used: number
}

export interface TrialView {
  readonly left: number
  readonly of: number
  /** Unix seconds. */
  readonly renews: number
}

function current(state: TrialState, now: number): TrialState {
  return now >= state.started + TRIAL_WINDOW ? { started: now, used: 0 } : state
}

export function viewTrial(state: TrialState, of: number, now: number): TrialView {
  const { started, used } = current(state, now)
  return { left: Math.max(0, of - used), of, renews: Math.floor((started + TRIAL_WINDOW) / 1000) }
}

/** The state after one more question, or undefined when the trial is spent. */
export function takeQuestion(state: TrialState, of: number, now: number): TrialState | undefined {
  const { started, used } = current(state, now)
  return used < of ? { started, used: used + 1 } : undefined
}

/** The state after a question that was never opened came back. Nothing comes back into a later window. */
export function returnQuestion(state: TrialState, takenAt: number): TrialState {
  return takenAt < state.started ? state : { ...state, used: Math.max(0, state.used - 1) }
}
