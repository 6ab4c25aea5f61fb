/** The console: theme, data, and the page that the address names. */
import { createDOMRenderer, FluentProvider, makeStyles, RendererProvider, tokens } from "@fluentui/react-components";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { ApiError } from "./api/client.js";
import { Loading } from "./elements/loading.js";
import { usePlace } from "./navigation/location.js";
import { type Route, routeOf } from "./navigation/routes.js";
import { HomePage } from "./pages/home-page.js";
import { MigrationsPage } from "./pages/migrations-page.js";
import { UnknownPage } from "./pages/unknown-page.js";
import { AccessKeyDialog } from "./shell/access-key-dialog.js";
import { TopBar } from "./shell/top-bar.js";
import { useTheme } from "./theme.js";

const MigrationPage = lazy(() => import("./pages/migration-page.js"));
const NewMigrationPage = lazy(() => import("./pages/new-migration-page.js"));
const ReportPage = lazy(() => import("./pages/report-page.js"));

// The Content-Security-Policy lets only styles in that carry the page's nonce.
const nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
const renderer = createDOMRenderer(document, { styleElementAttributes: { nonce } });

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // A refusal does not change by asking again; a service that restarts does.
      retry: (failures, error) =>
        failures < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      staleTime: 1_000,
      refetchOnWindowFocus: true,
    },
  },
});

const useStyles = makeStyles({
  provider: {
    minHeight: "100vh",
    display: "flex",
    flexDirection: "column",
    backgroundColor: tokens.colorNeutralBackground2,
    "@media print": { backgroundColor: "transparent" },
  },
  main: {
    flexGrow: 1,
    width: "100%",
    maxWidth: "1560px",
    boxSizing: "border-box",
    padding: "16px 24px 48px",
    margin: "0 auto",
    "@media (max-width: 700px)": { padding: "12px 12px 40px" },
    "@media print": { padding: "0" },
  },
});

export function App() {
  return (
    <RendererProvider renderer={renderer} targetDocument={document}>
      <QueryClientProvider client={queries}>
        <Frame />
      </QueryClientProvider>
    </RendererProvider>
  );
}

/** Inside the renderer's provider: styles that are made outside it have no nonce. */
function Frame() {
  const styles = useStyles();
  const { theme } = useTheme();
  const route = routeOf(usePlace().segments);
  return (
    <FluentProvider theme={theme} className={styles.provider}>
      <TopBar route={route} />
      <main className={styles.main}>
        <Suspense fallback={<Loading />}>
          <Page route={route} />
        </Suspense>
      </main>
      <AccessKeyDialog />
    </FluentProvider>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "home":
      return <HomePage />;
    case "migrations":
      return <MigrationsPage key={route.server.server} server={route.server} />;
    case "new":
      return <NewMigrationPage key={route.server.server} server={route.server} />;
    case "migration":
      return <MigrationPage key={route.migration.name} migration={route.migration} tab={route.tab} />;
    case "report":
      return <ReportPage migration={route.migration} />;
    case "unknown":
      return <UnknownPage />;
  }
}
