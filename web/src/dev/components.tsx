// The design system in one place: showcase.html?state=components&theme=dark|light&language=ru. Development only.
import { type ReactNode, useState } from 'react'
import { AnswerView } from '../answer.tsx'
import { contrast } from '../colour.ts'
import { Icon, Sprite } from '../icon.tsx'
import { Mark, type MarkKind } from '../mark.tsx'
import { FailureNotice } from '../notice.tsx'
import { Group } from '../page.tsx'
import { Prose } from '../prose.tsx'
import type { Theme } from '../theme.ts'
import { type Answer, noAnswer } from '../turn.ts'
import { words } from '../words/words.ts'
import { node, privateNode } from './scripted-asking.ts'

const grounds = ['ground', 'page', 'card', 'field', 'bubble'] as const
const inks = ['text', 'hint', 'accent', 'danger', 'silk'] as const
const marks: readonly MarkKind[] = ['private', 'checking', 'open', 'development', 'broken']
const types = ['title', 'heading', 'body', 'note', 'fine'] as const
const nothing = () => {}

const done: Answer = {
  ...noAnswer,
  phase: 'done',
  text: 'It is **sealed**.',
  node: privateNode,
  nodeId: privateNode.nodeId,
  sent: true,
  end: { finishReason: 'stop', usage: { prompt: 1, cached: 0, completion: 2, reasoning: 0 }, cost: 2_100_000n },
}
const failure = { code: 'no-node', action: 'wait', retryAfterMs: null, waits: false } as const
const refused = { code: 'not-attested', action: 'stop', retryAfterMs: null, waits: false } as const
const answers: readonly Answer[] = [
  { ...noAnswer, phase: 'matching' },
  { ...noAnswer, phase: 'waiting' },
  { ...noAnswer, phase: 'checking' },
  { ...done, phase: 'sealed', text: '', end: null },
  { ...done, phase: 'streaming', end: null },
  { ...done, phase: 'streaming', end: null, lost: true },
  { ...done, phase: 'streaming', end: null, resumed: true },
  { ...done, phase: 'stopped' },
  done,
  { ...done, node: { ...node, standing: 'open' } },
  { ...done, node },
]

export function Components({ theme }: { readonly theme: Theme }) {
  return (
    <main className="page">
      <Sprite />
      <h1>Components</h1>
      <Shown title="Colour: contrast on each ground">
        <table>
          <thead>
            <tr>
              <th>ink</th>
              {grounds.map((ground) => (
                <th key={ground}>{ground}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {inks.map((ink) => (
              <tr key={ink}>
                <th>{ink}</th>
                {grounds.map((ground) => (
                  <td key={ground} style={{ background: `var(--${ground})`, color: `var(--${ink})` }}>
                    {contrast(theme.tokens[ink], theme.tokens[ground]).toFixed(1)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Shown>
      <Shown title="Type">
        {types.map((type) => (
          <p key={type} style={{ font: `var(--type-${type})` }}>
            {type}: {words.welcome.title}
          </p>
        ))}
      </Shown>
      <Shown title="Marks: still, turning, large">
        {marks.map((kind) => (
          <p key={kind} className="about">
            <Mark kind={kind} />
            <Mark kind={kind} turning />
            <Mark kind={kind} large />
            {kind}
          </p>
        ))}
      </Shown>
      <Shown title="Buttons: rest, soft, plain, danger, disabled">
        <div className="stack">
          <button type="button" className="button">
            {words.save}
          </button>
          <button type="button" className="button soft">
            {words.remedy.again}
          </button>
          <button type="button" className="button plain">
            {words.cancel}
          </button>
          <button type="button" className="button danger">
            {words.chats.delete}
          </button>
          <button type="button" className="button" disabled>
            {words.againIn(4)}
          </button>
        </div>
      </Shown>
      <Shown title="Pill: rest, low. Switch: on, off">
        <p className="about">
          <span className="pill">{words.trial.pill(9)}</span>
          <span className="pill low">{words.trial.pill(0)}</span>
          <Toggle on />
          <Toggle on={false} />
        </p>
      </Shown>
      <Group title="Rows: rest, with a note, danger">
        <button type="button" className="row indent">
          <Icon name="eye" />
          <span className="row-main">{words.settings.brokerSees}</span>
        </button>
        <button type="button" className="row indent">
          <Icon name="prompts" />
          <span className="row-main">
            {words.settings.instructions}
            <span>{words.settings.instructionsNone}</span>
          </span>
        </button>
        <button type="button" className="row indent danger">
          <Icon name="bin" />
          <span className="row-main">{words.chats.delete}</span>
        </button>
      </Group>
      <Shown title="Thread, bones">
        <div className="stack">
          <div className="thread">
            <i style={{ inlineSize: '62%' }} />
          </div>
          <div className="bone tall" />
        </div>
      </Shown>
      <Shown title="Bubbles: sent, not sent">
        <div className="turn">
          <div className="asked">{words.starters.eyes}</div>
          <div className="asked unsent">{words.starters.eyes}</div>
          <p className="sent-note">{words.question.notSent}</p>
        </div>
      </Shown>
      <Shown title="Answers: every state">
        <div className="stack">
          {answers.map((answer, index) => (
            <AnswerView
              key={index}
              answer={answer}
              development={false}
              last
              onRetry={nothing}
              onMachine={nothing}
              onActions={nothing}
            />
          ))}
        </div>
      </Shown>
      <Shown title="Notices: inform, stop">
        <div className="stack">
          {[failure, refused].map((one) => (
            <FailureNotice
              key={one.code}
              answer={{ ...noAnswer, phase: 'failed', failure: one }}
              failure={one}
              renews={null}
              onRemedy={nothing}
              onProof={nothing}
            />
          ))}
        </div>
      </Shown>
      <Shown title="Prose: code, table, formulas">
        <Prose
          streaming={false}
          text={
            '```python\nprint("sealed")  # here\n```\n\n| a | b |\n|--|--:|\n| 1 | 2 |\n\nThe sum $\\sum_{i=1}^n i = \\frac{n(n+1)}{2}$, and\n\n$$\\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}$$'
          }
        />
      </Shown>
    </main>
  )
}

function Shown({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="group">
      <h2>{title}</h2>
      <div className="card padded">{children}</div>
    </section>
  )
}

function Toggle({ on }: { readonly on: boolean }) {
  const [checked, setChecked] = useState(on)
  return (
    <button
      type="button"
      className="switch"
      role="switch"
      aria-checked={checked}
      aria-label={on ? 'on' : 'off'}
      onClick={() => setChecked(!checked)}
    />
  )
}
