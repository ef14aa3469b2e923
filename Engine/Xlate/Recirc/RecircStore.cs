using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Xlate;

/// <summary>
/// Frozen translations by recirculation id (OVS ofproto-dpif-rid.c): hash-consed, so equal states share an id, and reference-counted.
/// Ids start at 1. A state without references stays resolvable for a grace period, because packets may be under way to it; if the same
/// state is needed again in that time it keeps its id.
/// </summary>
/// <param name="renewsIdle">See <see cref="Quirks.RenewsIdleIds"/>.</param>
public sealed partial class RecircStore(bool renewsIdle = false)
{
    /// <summary>How long an unreferenced id can still be resolved, in ms.</summary>
    public const long GraceMs = 500;

    /// <summary>Unreferenced ids that wait for control at most; beyond these the oldest go when their grace period is over.</summary>
    internal const int MostWaiting = 16384;

    /// <summary>An id goes when control has gone so many rounds since it was found without references: the first may have begun before that.</summary>
    public const ulong RoundsNeeded = 2;

    private readonly Lock _lock = new();
    private readonly bool _renewsIdle = renewsIdle;
    private readonly Dictionary<uint, FrozenState> _byId = [];
    private readonly Dictionary<ulong, FrozenState> _byHash = [];
    private readonly IdleList _idle = new();
    private uint _lastId;
    private long _sweptAtMs = long.MinValue;

    /// <summary>
    /// How often control has taken all packets that were on their way to it; null = nobody takes any. Such a packet names an id without referring to it, and may wait longer than
    /// <see cref="GraceMs"/> where control is late. Called with the lock held.
    /// </summary>
    internal Func<ulong>? RoundsTaken { get; set; }

    /// <summary>Some id is without references; read without the lock, for who looks again soon.</summary>
    public bool HasIdle => !_idle.IsEmpty;

    /// <summary>Takes one more reference; false if the id is unknown.</summary>
    public bool Acquire(uint id)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out FrozenState? state)) return false;
            Refer(state);
            return true;
        }
    }

    /// <summary>Gives one reference back.</summary>
    /// <exception cref="InvalidOperationException">More releases than references.</exception>
    public void Release(uint id)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out FrozenState? state) || state.References == 0)
            {
                throw new InvalidOperationException($"recirc_id {id} is released more often than acquired");
            }

            if (--state.References == 0) _idle.Add(state);
        }
    }

    /// <summary>States that sweeps have looked at since the start: what sweeping costs.</summary>
    public ulong SweptCount { get; private set; }

    /// <summary>
    /// Forgets ids that have been without references for <see cref="GraceMs"/>, counted from the first sweep that finds them so, and that no packet on its way to control names; returns how
    /// many. Looks at idle ones only.
    /// </summary>
    /// <param name="nowMs">Time; one before that of the last sweep begins all grace periods anew.</param>
    /// <param name="budget">Most states to look at.</param>
    public int Sweep(long nowMs, int budget = int.MaxValue)
    {
        lock (_lock)
        {
            if (nowMs < _sweptAtMs) _idle.ForgetTimes();
            _sweptAtMs = nowMs;
            int left = budget;
            int gone = 0;
            ulong round = RoundsTaken?.Invoke() ?? 0;
            for (; left > 0 && _idle.Oldest is { } state && nowMs - state.IdleSinceMs >= GraceMs && MayGo(state, round); left--)
            {
                Remove(state);
                gone++;
            }

            for (; left > 0 && _idle.Unseen is not null; left--) _idle.See(nowMs, round);
            SweptCount += (ulong)(budget - left);
            return gone;
        }
    }

    /// <summary>In which bridge the packets of an id go on, and by which of its ports they came; null = there is no such id.</summary>
    public (OfPipeline Bridge, uint InPort)? PlaceOf(uint id) => Find(id) is { } state ? (state.Bridge, new Be32((uint)state.Lanes.InPort.ToScalar()).Host) : null;

    /// <summary>Packets of an id have no Ethernet header; false where there is no such id.</summary>
    public bool IsBare(uint id) => id != 0 && Find(id) is { IsBare: true };

    /// <summary>What packets with this key begin with: namespace in the upper half, number in the lower (OVS <c>packet_type</c>); 0 = an Ethernet header.</summary>
    public uint PacketTypeOf(in FlowKey key) => IsBare(key.RecircId.Host) ? PacketLayers.Of(key.DlType.Host) : PacketLayers.Ethernet;

    /// <summary>The state behind an id, or null.</summary>
    internal FrozenState? Find(uint id)
    {
        lock (_lock) return _byId.GetValueOrDefault(id);
    }

    /// <summary>The id of an equal state, or a new one, with a reference for the caller.</summary>
    internal uint Intern(ref FrozenView view)
    {
        ulong hash = view.Hash();
        lock (_lock)
        {
            _byHash.TryGetValue(hash, out FrozenState? head);
            for (FrozenState? s = head; s is not null; s = s.Next)
            {
                if ((_renewsIdle && s.References == 0) || !view.Same(s)) continue;
                Refer(s);
                return s.Id;
            }

            FrozenState state = view.Freeze();
            do
            {
                state.Id = ++_lastId;
            }
            while (state.Id == 0 || _byId.ContainsKey(state.Id));
            (state.Hash, state.References, state.Next) = (hash, 1, head);
            _byHash[hash] = state;
            _byId.Add(state.Id, state);
            return state.Id;
        }
    }

    private bool MayGo(FrozenState state, ulong round) => RoundsTaken is null || round - state.IdleRound >= RoundsNeeded || _idle.Count > MostWaiting;

    private void Refer(FrozenState state)
    {
        if (state.References++ == 0) _idle.Remove(state);
    }

    private void Remove(FrozenState state)
    {
        _idle.Remove(state);
        _byId.Remove(state.Id);
        FrozenState head = _byHash[state.Hash];
        if (head == state)
        {
            if (state.Next is null) _byHash.Remove(state.Hash);
            else _byHash[state.Hash] = state.Next;
            return;
        }

        while (head.Next != state) head = head.Next!;
        head.Next = state.Next;
    }
}
