namespace Mergeflow.Control.Ovsdb;

/// <summary>What became of a row.</summary>
/// <param name="Old">Before; null = it has come.</param>
/// <param name="New">Now; null = it has gone.</param>
public readonly record struct OvsdbChange(OvsdbRow? Old, OvsdbRow? New)
{
    /// <summary>The row came, went, or has another value in a column that others write.</summary>
    public bool ConcernsOthersColumns => Old is null || New is null || New.DiffersFrom(Old, inOthersColumns: true);
}
