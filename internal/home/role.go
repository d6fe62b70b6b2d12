package home

import "slices"

// The roles of operators. They stand among an account's roles.
const (
	Owner    = "owner"    // everything, and who else is an operator
	Operator = "operator" // everything but operators and the removal of keys
	Support  = "support"  // sees everything, and helps people back in
	Auditor  = "auditor"  // sees everything
)

// Roles are the roles of operators, the most powerful first.
func Roles() []string { return []string{Owner, Operator, Support, Auditor} }

// permissions are the scopes of home's API that each role amounts to. A caller's
// token names scopes, an operator's account names roles: both are asked the same
// way.
var permissions = map[string][]string{
	Owner: {
		"clients:read", "clients:write", "keys:read", "keys:write", "accounts:read", "accounts:write", "api-tokens:read", "api-tokens:write",
		"partners:read", "partners:write", "changes:read", "operators:read", "operators:write",
	},
	Operator: {
		"clients:read", "clients:write", "keys:read", "accounts:read", "accounts:write", "api-tokens:read", "api-tokens:write",
		"partners:read", "partners:write", "changes:read", "operators:read",
	},
	Support: {
		"clients:read", "keys:read", "accounts:read", "accounts:write", "api-tokens:read", "partners:read", "changes:read", "operators:read",
	},
	Auditor: {
		"clients:read", "keys:read", "accounts:read", "api-tokens:read", "partners:read", "changes:read", "operators:read",
	},
}

// May reports whether somebody with these roles has the permission, a scope of
// home's API.
func May(roles []string, permission string) bool {
	return slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(permissions[role], permission) })
}

// IsOperator reports whether somebody with these roles may open the console.
func IsOperator(roles []string) bool {
	return slices.ContainsFunc(roles, func(role string) bool { return permissions[role] != nil })
}
