import { Icon, type IconName } from './icon.tsx'
import { wind } from './silk.ts'
import { words } from './words/words.ts'

const { front, back } = wind()

/** The wound cocoon. It appears twice in the whole app: here, and with a proof. */
function Silk() {
  return (
    <svg className="cocoon" viewBox="-90 -90 180 180" aria-hidden="true">
      <defs>
        <radialGradient id="glow">
          <stop offset="0" className="silk-stop" stopOpacity=".55" />
          <stop offset=".6" className="silk-stop" stopOpacity=".16" />
          <stop offset="1" className="silk-stop" stopOpacity="0" />
        </radialGradient>
        <linearGradient id="fade" gradientUnits="userSpaceOnUse" x1="-30" x2="80">
          <stop className="silk-stop" />
          <stop offset="1" className="silk-stop" stopOpacity="0" />
        </linearGradient>
      </defs>
      <g transform="rotate(28)" strokeLinejoin="round" strokeLinecap="round">
        <ellipse rx="42" ry="68" fill="url(#glow)" stroke="none" />
        <path d={back} strokeWidth=".34" opacity=".35" />
        <path d={front} strokeWidth=".59" opacity=".9" />
      </g>
      <path d="M-28 62C-20 84 16 88 34 78S66 66 84 74" stroke="url(#fade)" strokeWidth=".9" strokeLinecap="round" />
    </svg>
  )
}

const starters = [
  ['sealed', words.starters.seal],
  ['eye', words.starters.eyes],
  ['ask', words.starters.ask],
] as const satisfies readonly (readonly [IconName, string])[]

/** First open, and every new chat: what this is, and three questions to begin with. */
export function Welcome({
  development,
  onAsk,
}: {
  readonly development: boolean
  readonly onAsk: (question: string) => void
}) {
  return (
    <div className="first">
      <section className="welcome">
        <Silk />
        <h1>{words.welcome.title}</h1>
        <p>{development ? words.welcome.developmentText : words.welcome.text}</p>
      </section>
      <section className="starters" aria-label={words.welcome.ideas}>
        {starters.map(([icon, question]) => (
          <button key={icon} type="button" onClick={() => onAsk(question)}>
            <Icon name={icon} />
            {question}
          </button>
        ))}
      </section>
    </div>
  )
}
