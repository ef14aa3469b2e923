using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// Timeouts by policy. The packet thread reads them, and so may the thread that credits: a time is one word. A value whose copies share the rows, so that
/// packets read them from the object at hand.
/// </summary>
internal readonly unsafe struct TimeoutPolicies
{
    /// <summary>Policies that there is room for, the default one included; a connection under another id has the default timeouts.</summary>
    internal const int MaxRows = 4096;

    private const int RowStride = 16;

    /// <summary>Rows of timeouts in ms, one per policy id ever met; row 0 is the default policy.</summary>
    private readonly long* _rows;
    private readonly Dictionary<uint, ushort> _rowOf;

    public TimeoutPolicies(ConnMemory memory, IReadOnlyList<CtTimeoutPolicy> policies)
    {
        _rows = memory.Reserve<long>(MaxRows * RowStride);
        _rowOf = new Dictionary<uint, ushort> { [0] = 0 };
        FillDefaults(_rows);
        foreach (CtTimeoutPolicy policy in policies) Set(policy);
    }

    /// <inheritdoc cref="ConnTracker.SetTimeoutPolicy"/>
    public void Set(CtTimeoutPolicy policy)
    {
        ushort index = RowOf(policy.Id);
        if (index == 0 && policy.Id != 0) throw new ArgumentException($"no room for timeout policy {policy.Id}: there are {MaxRows - 1} others", nameof(policy));
        long* row = _rows + (index * RowStride);
        FillDefaults(row);
        foreach ((CtTimeout timeout, uint seconds) in policy.Seconds) row[(int)timeout] = seconds * 1000L;
    }

    /// <inheritdoc cref="ConnTracker.RemoveTimeoutPolicy"/>
    public bool Remove(uint id)
    {
        if (!_rowOf.TryGetValue(id, out ushort row)) return false;
        FillDefaults(_rows + (row * RowStride));
        return true;
    }

    private static void FillDefaults(long* row)
    {
        for (int i = 0; i < CtTimeoutPolicy.Count; i++) row[i] = CtTimeoutPolicy.DefaultSeconds((CtTimeout)i) * 1000L;
    }

    /// <summary>Row of a policy id; an id nobody defined yet gets a row of defaults.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ushort RowOf(uint id) => id == 0 ? (ushort)0 : RowOfOther(id);

    private ushort RowOfOther(uint id)
    {
        if (_rowOf.TryGetValue(id, out ushort row)) return row;
        if (_rowOf.Count >= MaxRows) return 0;
        row = (ushort)_rowOf.Count;
        _rowOf[id] = row;
        FillDefaults(_rows + (row * RowStride));
        return row;
    }

    /// <summary>How long a connection may stay silent in this state, in ms.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Of(ConnRecord* c, CtTimeout timeout) => _rows[(c->TimeoutRow * RowStride) + (int)timeout];
}
