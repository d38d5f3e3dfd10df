import { Component, type ReactNode } from 'react'
import { goBack } from './place.ts'
import { words } from './words/words.ts'

interface Props {
  readonly children: ReactNode
  /** Around one page: the rest of the app goes on. */
  readonly page?: boolean
}

/** What broke says so, and says that nothing was lost. */
export class Boundary extends Component<Props, { readonly broken: boolean }> {
  override state = { broken: false }

  static getDerivedStateFromError(): { readonly broken: boolean } {
    return { broken: true }
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children
    const { broken, update, back } = words
    const offline = this.props.page && !navigator.onLine
    return (
      <div className="page">
        <section className="notice" role="alert">
          <div>
            <h2>{offline ? words.notices.unreachable.title : broken.title}</h2>
            <p className="hint note">{offline ? broken.offline : broken.text}</p>
          </div>
          <button type="button" className="button soft" onClick={() => location.reload()}>
            {update.reload}
          </button>
          {this.props.page && (
            <button type="button" className="button plain compact" onClick={goBack}>
              {back}
            </button>
          )}
        </section>
      </div>
    )
  }
}
