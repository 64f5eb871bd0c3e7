import type { ApiName } from '../protocol/apis.ts'
import type { Handler, Handlers } from '../server/handlers.ts'

/** Requests that come while the broker starts wait here: a client that is early is served as soon as anyone can be. */
export class Gate {
  private isOpen = false
  private release: () => void = () => {}
  private readonly opened = new Promise<void>((resolve) => {
    this.release = resolve
  })

  open(): void {
    this.isOpen = true
    this.release()
  }

  guard(handlers: Handlers): Handlers {
    return Object.fromEntries(
      Object.entries(handlers).map(([name, handler]) => [name, this.guardOne(handler as Handler<ApiName>)]),
    ) as Handlers
  }

  private guardOne(handler: Handler<ApiName>): Handler<ApiName> {
    return (request, context) => (this.isOpen ? handler(request, context) : this.opened.then(() => handler(request, context)))
  }
}
