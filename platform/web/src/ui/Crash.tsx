import { Component, type ReactNode } from "react";

import { Failure } from "@/ui/Notice";

/** Where a page fails, it says so. Code that no longer loads is usually that of a Safelight since replaced: reload. */
export class Crash extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    if (!this.state.error) return this.props.children;
    return <Failure error={this.state.error} retry={() => window.location.reload()} />;
  }
}
