import { useEffect, useState } from 'react'
import { Icon, type IconName } from './icon.tsx'
import { Mark } from './mark.tsx'
import { groupOf } from './proof-groups.ts'
import type { Answer, Failure } from './turn.ts'
import type { Remedy } from './words/notice.ts'
import { words } from './words/words.ts'

/** One failure in plain words: what happened, what is safe, what to do. */
export function FailureNotice({
  answer,
  failure,
  renews,
  onRemedy,
  onProof,
}: {
  readonly answer: Answer
  readonly failure: Failure
  /** When free questions come back, Unix seconds. */
  readonly renews: number | null
  readonly onRemedy: (remedy: Remedy) => void
  /** Shows what was found out about a machine that was refused. */
  readonly onProof: () => void
}) {
  const notice = words.notices[failure.code]
  const wait = useWait(failure)
  const safe = failure.waits ? words.safe.waits : answer.sent ? words.safe.sealed : words.safe.kept
  const back = failure.code === 'trial-spent' && renews !== null ? words.trial.renews(renews) : null
  const label = wait > 0 && notice.remedy === 'again' ? words.againIn(wait) : words.remedy[notice.remedy]
  return (
    <section className={notice.stop ? 'notice stop' : 'notice'} role="alert">
      <div className="notice-head">
        {notice.stop ? <Mark kind="broken" large /> : <Icon name={iconOf(failure, notice.remedy)} />}
        <div>
          <h2>{notice.title}</h2>
          <p>
            {back ?? refusedBecause(failure) ?? notice.what} {safe}
          </p>
        </div>
      </div>
      <button
        type="button"
        className={notice.stop ? 'button' : 'button soft'}
        disabled={wait > 0}
        onClick={() => onRemedy(notice.remedy)}
      >
        {label}
      </button>
      {failure.refusal && answer.proof !== undefined && (
        <button type="button" className="button plain compact" onClick={onProof}>
          {words.proof.why}
        </button>
      )}
      {notice.remedy !== 'edit' && (
        <button type="button" className="button plain compact" onClick={() => onRemedy('edit')}>
          {words.editInstead}
        </button>
      )}
    </section>
  )
}

/** Why a machine was refused, in the words of the check that failed. */
function refusedBecause({ refusal }: Failure): string | null {
  if (!refusal) return null
  return words.proof.causes[refusal.code] ?? `${words.proof.groups[groupOf(refusal.step)].fails}.`
}

function iconOf(failure: Failure, remedy: Remedy): IconName {
  if (failure.code === 'unreachable') return 'offline'
  if (failure.action === 'pay') return 'gift'
  if (remedy === 'edit' || remedy === 'new-chat') return 'pen'
  return remedy === 'other-machine' || failure.code === 'no-node' ? 'machine' : 'again'
}

/** Seconds until a retry makes sense, where the other side said so. */
function useWait(failure: Failure): number {
  const [until] = useState(() => Date.now() + (failure.retryAfterMs ?? 0))
  const [left, setLeft] = useState(() => Math.ceil((until - Date.now()) / 1000))
  const waiting = left > 0
  useEffect(() => {
    if (!waiting) return undefined
    const timer = setInterval(() => setLeft(Math.ceil((until - Date.now()) / 1000)), 250)
    return () => clearInterval(timer)
  }, [until, waiting])
  return Math.max(0, left)
}
