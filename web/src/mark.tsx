/** What a machine is, by shape first: a closed cocoon, an open one, a dashed one, a broken one. Never recoloured. */
export type MarkKind = 'private' | 'checking' | 'open' | 'development' | 'broken'

export function Mark({
  kind,
  turning = false,
  large = false,
}: {
  readonly kind: MarkKind
  /** Being checked, or answering. */
  readonly turning?: boolean
  readonly large?: boolean
}) {
  const className = ['mark', kind, turning && 'spinning', large && 'large'].filter(Boolean).join(' ')
  return (
    <svg className={className} viewBox="0 0 24 24" aria-hidden="true">
      <g transform="rotate(28 12 12)">
        {kind === 'open' ? (
          <path className="ring" d="M14.4 2.4A7 10.2 0 1 0 19 12.6" />
        ) : (
          <ellipse className="ring" cx="12" cy="12" rx="7" ry="10.2" />
        )}
        {kind === 'private' && <ellipse className="core" cx="12" cy="12" rx="3.1" ry="5.6" />}
      </g>
      {kind === 'broken' && <path d="M3.5 4.5l17 15" />}
    </svg>
  )
}
