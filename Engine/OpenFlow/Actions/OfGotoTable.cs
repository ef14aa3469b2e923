namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>goto_table:N</c>.</summary>
public sealed record OfGotoTable(byte Table) : OfAction;
