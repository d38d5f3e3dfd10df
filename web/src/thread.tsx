import { memo } from 'react'
import { AnswerView } from './answer.tsx'
import { Icon } from './icon.tsx'
import { FailureNotice } from './notice.tsx'
import type { Turn } from './turn.ts'
import type { Remedy } from './words/notice.ts'
import { words } from './words/words.ts'

export interface TurnActions {
  readonly retry: () => void
  readonly remedy: (remedy: Remedy) => void
  readonly machine: (turn: Turn) => void
  readonly actions: (turn: Turn) => void
  readonly branch: (turn: Turn, by: 1 | -1) => void
}

/** A question and what came of it. */
export const TurnView = memo(function TurnView({
  turn,
  branch,
  branches,
  last,
  editing,
  development,
  renews,
  on,
}: {
  readonly turn: Turn
  /** Which of how many versions this is, from 1. */
  readonly branch: number
  readonly branches: number
  readonly last: boolean
  readonly editing: boolean
  readonly development: boolean
  readonly renews: number | null
  readonly on: TurnActions
}) {
  const { answer, question } = turn
  const unsent = answer.phase === 'failed' && !answer.sent
  return (
    <div className={editing ? 'turn faded' : 'turn'}>
      <div className={unsent ? 'asked unsent' : 'asked'} role="article" aria-label={words.question.label} dir="auto">
        {question}
      </div>
      {branches > 1 && <Branches index={branch} of={branches} onGo={(by) => on.branch(turn, by)} />}
      {unsent && <p className="sent-note">{words.question.notSent}</p>}
      <AnswerView
        answer={answer}
        development={development}
        last={last}
        onRetry={on.retry}
        onMachine={() => on.machine(turn)}
        onActions={() => on.actions(turn)}
      />
      {last && answer.failure && !editing && (
        <FailureNotice
          key={turn.id}
          answer={answer}
          failure={answer.failure}
          renews={renews}
          onRemedy={on.remedy}
          onProof={() => on.machine(turn)}
        />
      )}
    </div>
  )
})

/** Two arrows between what was asked in this place, and where one stands among it. */
function Branches({
  index,
  of,
  onGo,
}: {
  readonly index: number
  readonly of: number
  readonly onGo: (by: 1 | -1) => void
}) {
  const arrow = (by: 1 | -1, label: string, icon: 'back' | 'next') => (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      disabled={by < 0 ? index <= 1 : index >= of}
      onClick={() => onGo(by)}
    >
      <Icon name={icon} small />
    </button>
  )
  return (
    <div className="branches" role="group" aria-label={words.branch.label}>
      {arrow(-1, words.branch.before, 'back')}
      <span aria-label={words.branch.at(index, of)} role="status">
        {`${words.integer(index)}/${words.integer(of)}`}
      </span>
      {arrow(1, words.branch.after, 'next')}
    </div>
  )
}
