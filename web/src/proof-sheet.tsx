import { useEffect, useId, useState } from 'react'
import { copyText } from './copy.tsx'
import { handOver } from './export.ts'
import { Icon } from './icon.tsx'
import { Mark } from './mark.tsx'
import { type GroupedSteps, groupSteps, type ProofStep } from './proof-groups.ts'
import { words } from './words/words.ts'

/** What an appraisal found when it was made again from its proof. */
export interface Reappraised {
  readonly standing: 'private' | 'development' | 'refused'
  /** Unix seconds: as of when. */
  readonly at: number
  readonly steps: readonly ProofStep[]
  /** Lower-case hex, SHA-256. */
  readonly evidence: string
}
export type Reappraise = (proof: string) => Promise<Reappraised>

const marks = { private: 'private', development: 'development', refused: 'broken' } as const

/**
 * The proof of one machine: every check, made again on this device from what was kept, as of the moment it was made. Plain
 * words first, the technical detail of each behind a tap.
 */
export function ProofView({ proof, reappraise }: { readonly proof: string; readonly reappraise: Reappraise }) {
  const [found, setFound] = useState<Reappraised | 'unreadable' | null>(null)
  useEffect(() => {
    let current = true
    reappraise(proof).then(
      (result) => current && setFound(result),
      () => current && setFound('unreadable'),
    )
    return () => {
      current = false
    }
  }, [proof, reappraise])

  if (found === 'unreadable') return <p className="card padded hint">{words.proof.unreadable}</p>
  if (!found) {
    return (
      <div className="card padded" role="status" aria-label={words.proof.working}>
        <div className="bone tall" />
      </div>
    )
  }
  const about = words.proof[found.standing]
  return (
    <>
      <div className="proof-hero">
        <Mark kind={marks[found.standing]} large />
        <p>{about.text(words.moment(found.at))}</p>
      </div>
      <div className="card">
        {groupSteps(found.steps).map((group) => (
          <Group key={group.group} group={group} />
        ))}
      </div>
      {found.standing !== 'refused' && <WhoSees development={found.standing === 'development'} />}
      <div className="proof-actions">
        <button
          type="button"
          className="button soft compact"
          onClick={() => void handOver(fileName(found.evidence), proof)}
        >
          {words.proof.export}
        </button>
        <button type="button" className="button soft compact" onClick={() => void copyText(commandFor(found.evidence))}>
          {words.proof.elsewhere}
        </button>
      </div>
    </>
  )
}

function Group({ group: { group, steps, status } }: { readonly group: GroupedSteps }) {
  const [open, setOpen] = useState(status === 'failed')
  const detail = useId()
  const { holds, fails } = words.proof.groups[group]
  return (
    <>
      <button
        type="button"
        className={`row indent step ${status}`}
        aria-expanded={open}
        aria-controls={detail}
        onClick={() => setOpen(!open)}
      >
        <Icon name={status === 'failed' ? 'cross' : status === 'passed' ? 'check' : 'more'} />
        <span className="row-main">{status === 'failed' ? fails : holds}</span>
        <svg className={open ? 'icon chevron open' : 'icon chevron'} aria-hidden="true">
          <use href="#next" />
        </svg>
      </button>
      <div id={detail} className="step-detail" hidden={!open}>
        <dl>
          {steps.map(({ name, status: how, code, detail: text }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {how === 'failed' ? `${words.proof.failed}: ${code}. ${text}` : how === 'passed' ? text || '✓' : '–'}
              </dd>
            </div>
          ))}
        </dl>
      </div>
    </>
  )
}

function WhoSees({ development }: { readonly development: boolean }) {
  const { sees } = words.proof
  return (
    <div className="group">
      <h3>{sees.title}</h3>
      <dl className="card sees">
        <dt>{sees.you}</dt>
        <dd>{sees.words}</dd>
        <dt>{sees.broker}</dt>
        <dd>{sees.envelope}</dd>
        <dt>{sees.owner}</dt>
        <dd>{development ? sees.development : sees.private}</dd>
      </dl>
      {!development && <p className="foot">{words.proof.notProven}</p>}
    </div>
  )
}

const fileName = (evidence: string): string => `cocoon-proof-${evidence.slice(0, 12)}.json`
const commandFor = (evidence: string): string => `npm run verify -- ${fileName(evidence)} --at file`
