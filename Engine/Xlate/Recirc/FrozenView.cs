using System.Numerics;
using System.Runtime.InteropServices;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <summary>A state that is about to be frozen, still in the translator's buffers.</summary>
internal ref struct FrozenView
{
    public OfPipeline Bridge;
    public byte Table;
    public bool Conntracked;
    public bool WasMpls;
    public bool HasDpHash;
    public bool IsBare;
    public uint Mirrored;
    public ref FrozenLanes Lanes;
    public ReadOnlySpan<UInt128> Stack;
    public ReadOnlySpan<XlateOp> ActionSet;
    public ReadOnlySpan<XlateOp> Ops;
    public string UserData;

    /// <summary>Hash of all of it.</summary>
    public readonly ulong Hash()
    {
        ulong h = (ulong)Table | (Conntracked ? 0x100u : 0) | (WasMpls ? 0x200u : 0) | (HasDpHash ? 0x400u : 0) | (IsBare ? 0x800u : 0) | ((ulong)Bridge.Id << 16) | ((ulong)Mirrored << 32);
        foreach (ulong w in MemoryMarshal.Cast<FrozenLanes, ulong>(MemoryMarshal.CreateReadOnlySpan(ref Lanes, 1))) h = Mix(h, w);
        foreach (UInt128 item in Stack) h = Mix(h, (ulong)(item ^ (item >> 64)));
        foreach (XlateOp op in ActionSet) h = Mix(h, (ulong)op.GetHashCode());
        h = Mix(h, (ulong)ActionSet.Length);
        foreach (XlateOp op in Ops) h = Mix(h, (ulong)op.GetHashCode());
        return UserData.Length == 0 ? h : Mix(h, (ulong)UserData.GetHashCode(StringComparison.Ordinal));
    }

    /// <summary>True if <paramref name="state"/> is the same.</summary>
    public readonly bool Same(FrozenState state)
        => state.Bridge == Bridge && state.Table == Table && state.Conntracked == Conntracked && state.WasMpls == WasMpls && state.HasDpHash == HasDpHash && state.IsBare == IsBare && state.Mirrored == Mirrored
        && MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref Lanes, 1))
            .SequenceEqual(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref state.Lanes, 1)))
        && Stack.SequenceEqual(state.Stack) && ActionSet.SequenceEqual(state.ActionSet) && Ops.SequenceEqual(state.Ops)
        && UserData == state.UserData;

    /// <summary>Copies it out of the buffers.</summary>
    public readonly FrozenState Freeze() => new()
    {
        Bridge = Bridge,
        Table = Table,
        Conntracked = Conntracked,
        WasMpls = WasMpls,
        HasDpHash = HasDpHash,
        IsBare = IsBare,
        Mirrored = Mirrored,
        Lanes = Lanes,
        Stack = Stack.ToArray(),
        ActionSet = ActionSet.ToArray(),
        Ops = Ops.ToArray(),
        UserData = UserData,
    };

    private static ulong Mix(ulong hash, ulong word) => (BitOperations.RotateLeft(hash, 7) ^ word) * 0x9E37_79B9_7F4A_7C15;
}
