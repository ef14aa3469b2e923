using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// Timeouts by policy. Packet threads read them, and so may the thread that credits: a time is one word. A value whose copies share the rows, so that
/// packets read them from the object at hand. The rows of ids are found without a lock; a new id makes a new map of them.
/// </summary>
internal readonly unsafe struct TimeoutPolicies
{
    /// <summary>Policies that there is room for, the default one included; a connection under another id has the default timeouts.</summary>
    internal const int MaxRows = 4096;

    private const int RowStride = 16;

    /// <summary>Rows of timeouts in ms, one per policy id ever met; row 0 is the default policy.</summary>
    private readonly long* _rows;
    private readonly Rows _rowOf;

    /// <summary>Row of each zone for connections whose action names no policy.</summary>
    private readonly ushort* _rowOfZone;

    public TimeoutPolicies(ConnMemory memory, IReadOnlyList<CtTimeoutPolicy> policies)
    {
        _rows = memory.Reserve<long>(MaxRows * RowStride);
        _rowOf = new Rows();
        _rowOfZone = memory.Reserve<ushort>(ushort.MaxValue + 1);
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
        if (!_rowOf.Map.TryGetValue(id, out ushort row)) return false;
        FillDefaults(_rows + (row * RowStride));
        return true;
    }

    private static void FillDefaults(long* row)
    {
        for (int i = 0; i < CtTimeoutPolicy.Count; i++) row[i] = CtTimeoutPolicy.DefaultSeconds((CtTimeout)i) * 1000L;
    }

    /// <inheritdoc cref="ConnTracker.SetZoneTimeouts"/>
    public void SetZone(ushort zone, uint id) => Volatile.Write(ref _rowOfZone[zone], RowOf(id));

    /// <summary>Row of a policy id, or of the zone where no policy is named.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ushort RowOf(uint id, ushort zone) => id == 0 ? Volatile.Read(ref _rowOfZone[zone]) : RowOfOther(id);

    /// <summary>Row of a policy id; an id nobody defined yet gets a row of defaults.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ushort RowOf(uint id) => id == 0 ? (ushort)0 : RowOfOther(id);

    private ushort RowOfOther(uint id) => _rowOf.Map.TryGetValue(id, out ushort row) ? row : AddRow(id);

    private ushort AddRow(uint id)
    {
        lock (_rowOf)
        {
            Dictionary<uint, ushort> map = _rowOf.Map;
            if (map.TryGetValue(id, out ushort row)) return row;
            if (map.Count >= MaxRows) return 0;
            row = (ushort)map.Count;
            FillDefaults(_rows + (row * RowStride));
            _rowOf.Map = new Dictionary<uint, ushort>(map) { [id] = row };
            return row;
        }
    }

    /// <summary>How long a connection may stay silent in this state, in ms.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Of(ConnRecord* c, CtTimeout timeout) => _rows[(c->TimeoutRow * RowStride) + (int)timeout];

    /// <summary>Row of each policy id ever met.</summary>
    private sealed class Rows
    {
        private volatile Dictionary<uint, ushort> _map = new() { [0] = 0 };

        public Dictionary<uint, ushort> Map
        {
            get => _map;
            set => _map = value;
        }
    }
}
