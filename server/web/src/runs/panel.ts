import { Widget } from "@lumino/widgets";
import { labIcon } from "../icon.ts";
import { runChannel } from "../live/run-channel.ts";
import { breadcrumb, type Crumb, make } from "../rollouts/dom.ts";
import { RolloutExplorer } from "../rollouts/explorer.ts";
import { recordedStep } from "./api.ts";
import { ComparePage } from "./compare-page.ts";
import { Follower } from "./follow.ts";
import { InterveneForm } from "./intervene-form.ts";
import { ListPage } from "./list-page.ts";
import { type Route, routeHash } from "./route.ts";
import { RunPage } from "./run-page.ts";

/** What the panel shows: it is brought up to date while it is there. */
interface Page {
  readonly node: HTMLElement;
  /** @returns whether something in it trains. */
  refresh(): Promise<boolean>;
  focus(): void;
  dispose?(): void;
}

const nameOf = (path: string): string => path.split("/").at(-1) ?? path;

/** Keeps where the reader is, so that there is a way back. */
export interface WayKeeper {
  /** @param isNew a place to come back from; otherwise it stands for the one before. */
  keep(hash: string, isNew: boolean): void;
}

/** The runs on disk: the list, one run, several compared, and their rollouts. */
export class RunsPanel extends Widget {
  readonly #head = make("div", { className: "cirlab-runs-head" });
  readonly #trouble = make("p", { className: "cirlab-trouble", attributes: { role: "alert" } });
  readonly #body = make("div", { className: "cirlab-runs-body" });
  readonly #way: WayKeeper | undefined;
  #route: Route = { view: "list" };
  #page: Page | undefined;
  #follower: Follower | undefined;
  #explorer: { key: string; explorer: RolloutExplorer; form: InterveneForm } | undefined;

  /** @param way default: nothing is kept, and only the panel's own links lead back. */
  constructor(way?: WayKeeper) {
    super();
    this.#way = way;
    this.id = "cirlab-runs";
    this.addClass("cirlab-runs");
    this.title.label = "Runs";
    this.title.caption = "Recorded training runs";
    this.title.icon = labIcon;
    this.#trouble.hidden = true;
    // Arrows and Escape are the panel's while it has the focus.
    this.node.dataset.lmSuppressShortcuts = "true";
    this.node.tabIndex = -1;
    this.node.append(this.#head, this.#trouble, this.#body);
    this.node.addEventListener("keydown", (event) => {
      const isField = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
      if (event.key !== "Escape" || isField || this.#route.view === "list") return;
      event.preventDefault();
      this.go({ view: "list" });
    });
  }

  get hash(): string {
    return routeHash(this.#route);
  }

  /** The reader goes somewhere. */
  go(route: Route): void {
    this.#way?.keep(routeHash(route), true);
    this.showRoute(route);
  }

  showRoute(route: Route): void {
    const isSame = this.#page !== undefined && routeHash(route) === routeHash(this.#route);
    this.#route = route;
    if (route.view === "step") return this.#showStep(route);
    if (isSame && !this.#explorer) return;
    this.#clear();
    const page = this.#pageOf(route);
    this.#page = page;
    this.#head.replaceChildren(...(route.view === "list" ? [] : [breadcrumb(this.#crumbs(route))]));
    this.#body.replaceChildren(page.node);
    let isFirst = true;
    this.#follower = new Follower(async () => {
      const isTrained = await this.#refresh(page);
      if (isFirst && this.isVisible) page.focus();
      isFirst = false;
      return isTrained;
    });
  }

  override dispose(): void {
    this.#clear();
    super.dispose();
  }

  #pageOf(route: Exclude<Route, { view: "step" }>): Page {
    const openRun = (path: string) => this.go({ view: "run", path });
    if (route.view === "compare") return new ComparePage(route.paths, openRun);
    if (route.view === "list")
      return new ListPage({ open: openRun, compare: (paths) => this.go({ view: "compare", paths }) });
    const { path } = route;
    const options = {
      path,
      openStep: (step: number, rollout?: { group: number; sample: number }) => {
        const place = rollout ? { group: rollout.group, sample: String(rollout.sample) } : {};
        this.go({ view: "step", path, step, place });
      },
      leave: () => this.go({ view: "list" }),
    };
    return new RunPage(options, () => this.#follower?.ask());
  }

  async #refresh(page: Page): Promise<boolean> {
    try {
      const isTrained = await page.refresh();
      this.#trouble.hidden = true;
      return isTrained;
    } catch (error) {
      this.#trouble.textContent = (error as Error).message;
      this.#trouble.hidden = false;
      return false;
    }
  }

  #showStep({ path, step, place }: Extract<Route, { view: "step" }>): void {
    const key = `${step} ${path}`;
    if (this.#explorer?.key !== key) {
      this.#clear();
      const runId = runChannel.list.find((run) => run.path === path)?.runId ?? nameOf(path);
      const form = new InterveneForm(runId, step, () => explorer.reload());
      const explorer = new RolloutExplorer({
        companion: form,
        source: recordedStep(path, step),
        way: [...this.#crumbs({ view: "run", path }, true), { name: `step ${step}` }],
        onMove: (to) => {
          const route: Route = { view: "step", path, step, place: to };
          const isToken = to.token !== undefined && this.#route.view === "step" && this.#route.place.token !== undefined;
          this.#route = route;
          // From token to token is no way that one would go back.
          this.#way?.keep(routeHash(route), !isToken);
        },
        onLeave: () => this.go({ view: "run", path }),
      });
      this.#explorer = { key, explorer, form };
      this.#head.replaceChildren();
      this.#body.replaceChildren(explorer.node);
    }
    void this.#explorer.explorer.show(place);
  }

  #crumbs(route: Route, isOnTheWay = false): Crumb[] {
    const list: Crumb = { name: "Runs", open: () => this.go({ view: "list" }) };
    if (route.view === "compare") return [list, { name: `Comparison of ${route.paths.length} runs` }];
    if (route.view !== "run") return [{ name: "Runs" }];
    const { path } = route;
    return [list, { name: nameOf(path), ...(isOnTheWay && { open: () => this.go({ view: "run", path }) }) }];
  }

  #clear(): void {
    // Keys still reach the panel until the next page takes the focus.
    if (this.#body.contains(document.activeElement)) this.node.focus({ preventScroll: true });
    this.#follower?.stop();
    this.#follower = undefined;
    this.#page?.dispose?.();
    this.#page = undefined;
    this.#explorer?.explorer.dispose();
    this.#explorer?.form.dispose();
    this.#explorer = undefined;
    this.#trouble.hidden = true;
    this.#body.replaceChildren();
  }
}
