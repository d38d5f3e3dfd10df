import { Icon, type IconName } from './icon.tsx'
import { Mark, type MarkKind } from './mark.tsx'
import { grams, ticker } from './money.ts'
import { ProofView, type Reappraise } from './proof-sheet.tsx'
import { Sheet } from './sheet.tsx'
import type { Telegram } from './telegram.ts'
import type { Turn } from './turn.ts'
import { words } from './words/words.ts'

export const markOf = {
  private: 'private',
  open: 'open',
  development: 'development',
  'not-attested': 'development',
} as const satisfies Record<string, MarkKind>

/** What the machine proved, in words, and what the answer took. */
export function MachineSheet({
  turn,
  modelName,
  reappraise,
  telegram,
  onClose,
}: {
  readonly turn: Turn
  readonly modelName: string
  readonly reappraise: Reappraise
  readonly telegram: Telegram
  readonly onClose: () => void
}) {
  const { node, nodeId, end, proof, failure } = turn.answer
  const machine = node?.nodeId ?? nodeId
  if (!machine || !(node || proof)) return null
  const refused = failure?.refusal !== undefined
  const about = node && !refused ? words.about[node.standing] : words.proof.refused
  const facts: [string, string][] = [
    [words.about.model, modelName],
    [words.about.machine, shortened(machine)],
  ]
  if (end) {
    const { prompt, cached, completion, reasoning } = end.usage
    facts.push([words.about.read, words.about.tokens(prompt + cached)])
    facts.push([words.about.wrote, words.about.tokens(completion + reasoning)])
    facts.push([words.about.cost, end.cost === 0n ? words.answer.free : words.answer.cost(grams(end.cost), ticker)])
  }
  return (
    <Sheet title={about.title} telegram={telegram} onClose={onClose}>
      <div className="stack">
        {proof !== undefined && <ProofView proof={proof} reappraise={reappraise} />}
        {proof === undefined && node && (
          <div className="card padded about">
            <Mark kind={markOf[node.standing]} large />
            <p>{words.about[node.standing].text}</p>
          </div>
        )}
        <dl className="card facts">
          {facts.map(([name, value]) => (
            <div key={name} className="row">
              <dt className="row-main">{name}</dt>
              <dd className="row-end">{value}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Sheet>
  )
}

const shortened = (id: string): string => (id.length > 16 ? `${id.slice(0, 6)} … ${id.slice(-4)}` : id)

export function ActionsSheet({
  turn,
  editable,
  telegram,
  onClose,
  onCopy,
  onEdit,
  onMachine,
  onShare,
  onReport,
}: {
  readonly turn: Turn
  readonly editable: boolean
  readonly telegram: Telegram
  readonly onClose: () => void
  readonly onCopy: (text: string) => void
  readonly onEdit: () => void
  readonly onMachine: () => void
  readonly onShare: () => void
  readonly onReport: () => void
}) {
  const action = (icon: IconName, label: string, act: () => void) => (
    <button
      type="button"
      className="row indent"
      onClick={() => {
        onClose()
        act()
      }}
    >
      <Icon name={icon} />
      <span className="row-main">{label}</span>
    </button>
  )
  return (
    <Sheet title={words.actions.title} telegram={telegram} onClose={onClose}>
      <div className="card">
        {turn.answer.text !== '' && action('copy', words.actions.copyAnswer, () => onCopy(turn.answer.text))}
        {action('copy', words.actions.copyQuestion, () => onCopy(turn.question))}
        {editable && action('pen', words.actions.edit, onEdit)}
        {turn.answer.text !== '' && action('share', words.actions.share, onShare)}
        {turn.answer.node && action('machine', words.actions.machine, onMachine)}
        {turn.answer.node && action('flag', words.actions.report, onReport)}
      </div>
    </Sheet>
  )
}
