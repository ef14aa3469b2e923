using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// MPLS labels relative to the original packet: <see cref="Pops"/> entries taken off, then the bits of <see cref="SetMask"/> rewritten in the
/// entry that is then outermost, then <see cref="Pushes"/> constant entries put on.
/// </summary>
internal struct MplsStack
{
    public const int MaxDepth = 3;

    public int Pops;
    public int Pushes;
    public uint SetMask;
    public uint SetLse;

    /// <summary>Ethernet type of the packet before the first of <see cref="Pushes"/>.</summary>
    public ushort TypeBelow;
    public Words PopTypes;
    public Words PushTypes;
    public Words Pushed;

    /// <summary>Host order; [0] is the innermost (pushes) or the first (pops).</summary>
    [InlineArray(MaxDepth)]
    public struct Words
    {
        private uint _word;
    }

    /// <summary>Takes the outermost entry off; <paramref name="ethType"/> is what follows. False if too deep.</summary>
    public bool Pop(ushort ethType)
    {
        if (Pushes > 0)
        {
            Pushes--;
            return true;
        }

        if (Pops == MaxDepth) return false;
        PopTypes[Pops++] = ethType;
        SetMask = SetLse = 0;
        return true;
    }

    /// <summary>Ethernet type that a pop has to restore for it to undo the push before it.</summary>
    public readonly ushort TypeBehindPush => Pushes > 1 ? (ushort)PushTypes[Pushes - 2] : TypeBelow;

    /// <summary>Puts an entry on a packet of type <paramref name="below"/>; false if too deep.</summary>
    public bool Push(ushort ethType, uint lse, ushort below)
    {
        if (Pushes == MaxDepth) return false;
        if (Pushes == 0) TypeBelow = below;
        PushTypes[Pushes] = ethType;
        Pushed[Pushes++] = lse;
        return true;
    }

    /// <summary>Rewrites bits of the outermost entry.</summary>
    public void Set(uint lse, uint mask)
    {
        if (Pushes > 0)
        {
            Pushed[Pushes - 1] = (Pushed[Pushes - 1] & ~mask) | (lse & mask);
            return;
        }

        SetLse = (SetLse & ~mask) | (lse & mask);
        SetMask |= mask;
    }

    /// <summary>Same stack.</summary>
    public readonly bool Same(in MplsStack o)
        => Pops == o.Pops && Pushes == o.Pushes && SetMask == o.SetMask && SetLse == o.SetLse && IsBottomOf(o);

    /// <summary>True if <paramref name="to"/> can be made from this without knowing an entry that is gone.</summary>
    public readonly bool Reaches(in MplsStack to)
    {
        bool untouched = Pops == 0 && Pushes == 0 && SetMask == 0;
        return untouched || (Pops == to.Pops && SetMask == to.SetMask && SetLse == to.SetLse && IsBottomOf(to));
    }

    private readonly bool IsBottomOf(in MplsStack o)
    {
        if (Pushes > o.Pushes || Pops > o.Pops) return false;
        for (int i = 0; i < Pushes; i++)
        {
            if (Pushed[i] != o.Pushed[i] || PushTypes[i] != o.PushTypes[i]) return false;
        }

        for (int i = 0; i < Pops; i++)
        {
            if (PopTypes[i] != o.PopTypes[i]) return false;
        }

        return true;
    }
}
