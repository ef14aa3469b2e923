using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// VLAN tags relative to the original packet: <see cref="Pops"/> tags taken off, then the bits of <see cref="SetMask"/> rewritten in the
/// tag that is then outermost, then <see cref="Pushes"/> constant tags put on.
/// </summary>
internal struct VlanStack
{
    public const int MaxPushes = 4;

    public int Pops;
    public int Pushes;
    public ushort SetMask;
    public ushort SetTci;
    public Tags Pushed;

    /// <summary>TPID in the high, TCI in the low half, host order; [0] is the innermost.</summary>
    [InlineArray(MaxPushes)]
    public struct Tags
    {
        private uint _tag;
    }

    /// <summary>Takes the outermost tag off.</summary>
    public void Pop()
    {
        if (Pushes > 0)
        {
            Pushes--;
            return;
        }

        Pops++;
        SetMask = SetTci = 0;
    }

    /// <summary>Puts a tag on; false if there are too many.</summary>
    public bool Push(ushort tpid, ushort tci)
    {
        if (Pushes == MaxPushes) return false;
        Pushed[Pushes++] = ((uint)tpid << 16) | tci;
        return true;
    }

    /// <summary>Rewrites bits of the outermost tag.</summary>
    public void Set(ushort tci, ushort mask)
    {
        if (Pushes > 0)
        {
            uint tag = Pushed[Pushes - 1];
            Pushed[Pushes - 1] = (tag & ~(uint)mask) | (uint)(tci & mask);
            return;
        }

        SetTci = (ushort)((SetTci & ~mask) | (tci & mask));
        SetMask |= mask;
    }

    /// <summary>Same stack.</summary>
    public readonly bool Same(in VlanStack o)
    {
        if (Pops != o.Pops || Pushes != o.Pushes || SetMask != o.SetMask || SetTci != o.SetTci) return false;
        for (int i = 0; i < Pushes; i++)
        {
            if (Pushed[i] != o.Pushed[i]) return false;
        }

        return true;
    }

    /// <summary>True if <paramref name="to"/> can be made from this without knowing a tag that is gone.</summary>
    public readonly bool Reaches(in VlanStack to)
    {
        if (to.Pops < Pops) return false;
        return to.Pops > Pops || (SetMask & ~to.SetMask) == 0;
    }
}
