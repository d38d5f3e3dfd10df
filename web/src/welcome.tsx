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

/** First open, and every new chat: what this is, and three ways to begin. */
export function Welcome({
  development,
  onAsk,
  onBegin,
}: {
  readonly development: boolean
  readonly onAsk: (question: string) => void
  /** Puts the beginning of a question into the composer. */
  readonly onBegin: (text: string) => void
}) {
  const { starters, startersText } = words
  const ideas: readonly (readonly [IconName, string, () => void])[] = [
    ['contract', starters.contract, () => onBegin(startersText.contract)],
    ['pen', starters.letter, () => onBegin(startersText.letter)],
    ['eye', starters.eyes, () => onAsk(starters.eyes)],
  ]
  return (
    <div className="first">
      <section className="welcome">
        <Silk />
        <h1>{words.welcome.title}</h1>
        <p>{development ? words.welcome.developmentText : words.welcome.text}</p>
      </section>
      <section className="starters" aria-label={words.welcome.ideas}>
        {ideas.map(([icon, title, begin]) => (
          <button key={icon} type="button" onClick={begin}>
            <Icon name={icon} />
            {title}
          </button>
        ))}
      </section>
    </div>
  )
}
