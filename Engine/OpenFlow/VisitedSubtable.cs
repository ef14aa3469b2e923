namespace Mergeflow.Engine.OpenFlow;

/// <summary>A subtable in a conjunctive lookup.</summary>
/// <param name="Table">The subtable.</param>
/// <param name="Rule">The best match in it that has not been handled; -1 = there is none.</param>
/// <param name="IsConsulted">The lookup depends on the subtable's whole mask.</param>
internal readonly record struct VisitedSubtable(Subtable Table, int Rule, bool IsConsulted = false);
