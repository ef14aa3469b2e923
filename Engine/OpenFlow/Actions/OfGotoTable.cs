namespace Mergeflow.Engine;

/// <summary><c>goto_table:N</c>.</summary>
public sealed record OfGotoTable(byte Table) : OfAction;
