import { memo } from 'react'
import { AnswerView } from './answer.tsx'
import { FailureNotice } from './notice.tsx'
import type { Turn } from './turn.ts'
import type { Remedy } from './words/en.ts'
import { words } from './words/words.ts'

export interface TurnActions {
  readonly retry: () => void
  readonly remedy: (remedy: Remedy) => void
  readonly machine: (turn: Turn) => void
  readonly actions: (turn: Turn) => void
}

/** A question and what came of it. */
export const TurnView = memo(function TurnView({
  turn,
  last,
  editing,
  development,
  renews,
  on,
}: {
  readonly turn: Turn
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
