import type { Node, RoleSpec } from "libpg-query";

/** The roles that a statement of a dump names: owner, grantees and grantor, creators, the roles of a policy. Not public. */
export function rolesIn(tree: Node): string[] {
  if ("AlterTableStmt" in tree) {
    return (tree.AlterTableStmt.cmds ?? []).flatMap((node) =>
      "AlterTableCmd" in node ? roleNames([node.AlterTableCmd.newowner]) : [],
    );
  }
  if ("AlterOwnerStmt" in tree) return roleNames([tree.AlterOwnerStmt.newowner]);
  if ("GrantStmt" in tree) return roleNames([...roleSpecs(tree.GrantStmt.grantees), tree.GrantStmt.grantor]);
  if ("CreatePolicyStmt" in tree) return roleNames(roleSpecs(tree.CreatePolicyStmt.roles));
  if ("CreateUserMappingStmt" in tree) return roleNames([tree.CreateUserMappingStmt.user]);
  if ("CreateSchemaStmt" in tree) return roleNames([tree.CreateSchemaStmt.authrole]);
  if ("AlterDefaultPrivilegesStmt" in tree) {
    const { options, action } = tree.AlterDefaultPrivilegesStmt;
    const creators = (options ?? []).flatMap((node) =>
      "DefElem" in node && node.DefElem.arg !== undefined && "List" in node.DefElem.arg
        ? roleSpecs(node.DefElem.arg.List.items)
        : [],
    );
    return roleNames([...creators, ...roleSpecs(action?.grantees)]);
  }
  return [];
}

function roleSpecs(nodes: readonly Node[] | undefined): RoleSpec[] {
  return (nodes ?? []).flatMap((node) => ("RoleSpec" in node ? [node.RoleSpec] : []));
}

function roleNames(specs: readonly (RoleSpec | undefined)[]): string[] {
  return specs.flatMap((spec) =>
    spec?.roletype === "ROLESPEC_CSTRING" && spec.rolename !== undefined ? [spec.rolename] : [],
  );
}
