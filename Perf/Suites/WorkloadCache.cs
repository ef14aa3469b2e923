namespace Mergeflow.Perf;

/// <summary>Keeps the last workload: the same frames are often run in several offload modes, one after the other.</summary>
public static class WorkloadCache
{
    private static readonly Lock s_gate = new();
    private static Workload? s_last;

    /// <summary>The workload of this name.</summary>
    public static Workload Get(string name)
    {
        lock (s_gate)
        {
            if (s_last?.Name != name) s_last = name == TupleExplosion.Name ? TupleExplosion.Make() : ConnectionLifecycle.Names.Contains(name) ? ConnectionLifecycle.Make(name) : WorkloadRecipe.Make(name);
            return s_last;
        }
    }
}
