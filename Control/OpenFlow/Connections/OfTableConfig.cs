namespace Mergeflow.Control.OpenFlow;

/// <summary>What the database says of a table (<c>Flow_Table</c>).</summary>
/// <param name="Name">Its name; empty = none.</param>
/// <param name="Limit">How many flows it takes; null = any number.</param>
/// <param name="Prefixes">Addresses whose prefixes lookups tell apart.</param>
public sealed record OfTableConfig(string Name, TableLimit? Limit, PrefixFields Prefixes = PrefixFields.Default);
