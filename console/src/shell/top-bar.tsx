import {
  Button,
  Menu,
  MenuDivider,
  MenuItem,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
  makeStyles,
  Text,
  tokens,
} from "@fluentui/react-components";
import {
  ChevronDown16Regular,
  Person20Regular,
  Server20Regular,
  WeatherMoon20Regular,
  WeatherSunny20Regular,
} from "@fluentui/react-icons";
import { useQueryClient } from "@tanstack/react-query";
import { accessKey, refuseAccessKey } from "../api/access-key.js";
import { useTargetServers } from "../api/queries.js";
import type { ServerId } from "../api/resources.js";
import { isPlainClick } from "../elements/link.js";
import icon from "../icon.svg";
import { go } from "../navigation/location.js";
import { homeHref, type Route, serverHref } from "../navigation/routes.js";
import { text } from "../text.js";
import { chooseTheme, type ThemeChoice, useTheme } from "../theme.js";
import { signOutHref, useSignedIn } from "./signed-in.js";

const useStyles = makeStyles({
  bar: {
    display: "flex",
    alignItems: "center",
    gap: "4px",
    height: "48px",
    flexShrink: 0,
    padding: "0 16px",
    backgroundColor: tokens.colorNeutralBackground1,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    position: "sticky",
    top: 0,
    zIndex: 10,
    "@media (max-width: 700px)": { padding: "0 8px" },
    "@media print": { display: "none" },
  },
  product: {
    display: "flex",
    alignItems: "center",
    gap: "10px",
    color: tokens.colorNeutralForeground1,
    textDecorationLine: "none",
    borderRadius: tokens.borderRadiusMedium,
    padding: "4px",
    flexShrink: 0,
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  productName: { "@media (max-width: 700px)": { display: "none" } },
  separator: { width: "1px", height: "20px", backgroundColor: tokens.colorNeutralStroke2, margin: "0 8px" },
  spacer: { flexGrow: 1 },
  server: {
    minWidth: 0,
    flexShrink: 1,
    "& span": { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  },
  serverName: { maxWidth: "min(40vw, 320px)", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  person: { "@media (max-width: 700px)": { minWidth: "32px" } },
});

function serverOf(route: Route): ServerId | undefined {
  switch (route.page) {
    case "migrations":
    case "new":
      return route.server;
    case "migration":
    case "report":
      return route.migration;
    default:
      return undefined;
  }
}

export function TopBar({ route }: { route: Route }) {
  const styles = useStyles();
  const server = serverOf(route);
  return (
    <header className={styles.bar}>
      <a
        className={styles.product}
        href={homeHref()}
        onClick={(event) => {
          if (!isPlainClick(event)) return;
          event.preventDefault();
          go(homeHref());
        }}
      >
        <img src={icon} alt={text.product} width={24} height={24} />
        <Text weight="semibold" className={styles.productName} aria-hidden="true">
          {text.product}
        </Text>
      </a>
      {server !== undefined && (
        <>
          <span className={styles.separator} />
          <ServerMenu server={server} />
        </>
      )}
      <span className={styles.spacer} />
      <ThemeMenu />
      <WhoMenu />
    </header>
  );
}

function ServerMenu({ server }: { server: ServerId }) {
  const styles = useStyles();
  const { data: servers = [] } = useTargetServers();
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button
          appearance="subtle"
          icon={<Server20Regular />}
          className={styles.server}
          aria-label={`${text.shell.targetServer}: ${server.server}`}
        >
          <span className={styles.serverName}>{server.server}</span>
          <ChevronDown16Regular style={{ marginLeft: 6, flexShrink: 0 }} />
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {servers.map(({ id, name, subscriptionId, resourceGroup }) => (
            <MenuItem
              key={id}
              secondaryContent={resourceGroup}
              onClick={() => go(serverHref({ subscription: subscriptionId, resourceGroup, server: name }))}
            >
              {name}
            </MenuItem>
          ))}
          {servers.length > 0 && <MenuDivider />}
          <MenuItem onClick={() => go(homeHref())}>{text.shell.allServers}</MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

function ThemeMenu() {
  const { choice, dark } = useTheme();
  return (
    <Menu
      checkedValues={{ theme: [choice] }}
      onCheckedValueChange={(_, { checkedItems }) => chooseTheme((checkedItems[0] ?? "system") as ThemeChoice)}
    >
      <MenuTrigger disableButtonEnhancement>
        <Button
          appearance="subtle"
          icon={dark ? <WeatherMoon20Regular /> : <WeatherSunny20Regular />}
          aria-label={text.shell.theme}
          title={text.shell.theme}
        />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {(["system", "light", "dark"] as const).map((name) => (
            <MenuItemRadio key={name} name="theme" value={name}>
              {text.shell.themes[name]}
            </MenuItemRadio>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

function WhoMenu() {
  const styles = useStyles();
  const name = useSignedIn();
  const queries = useQueryClient();
  const key = accessKey();
  if (name === undefined && key === undefined) return null;
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button
          appearance="subtle"
          icon={<Person20Regular />}
          className={styles.person}
          aria-label={name === undefined ? text.shell.withKey : text.shell.signedIn(name)}
          title={name === undefined ? text.shell.withKey : text.shell.signedIn(name)}
        />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {name !== undefined && <MenuItem onClick={() => location.assign(signOutHref)}>{text.shell.signOut}</MenuItem>}
          {key !== undefined && (
            <MenuItem
              onClick={() => {
                refuseAccessKey(key);
                queries.clear();
              }}
            >
              {text.shell.forgetKey}
            </MenuItem>
          )}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
