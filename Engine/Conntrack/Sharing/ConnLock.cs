using System.Runtime.CompilerServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// The lock of one record, a bit of its <see cref="ConnRecord.Flags"/>. Who holds it waits for no other record and no claim, so that waiting ends. Records are
/// never unmapped: a thread may lock one that has become another connection's, and looks at its tuples afterwards.
/// </summary>
internal static unsafe class ConnLock
{
    /// <summary>Waits for the record, and holds it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Take<S>(ConnRecord* c)
        where S : struct, IConnSync
    {
        if (S.LocksRecords && !TryTake<S>(c)) Wait(c);
    }

    /// <summary>Holds the record if nobody else does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryTake<S>(ConnRecord* c)
        where S : struct, IConnSync
    {
        if (!S.LocksRecords) return true;
        Interleaving.Atomic("C1 lock");
        ref ushort flags = ref FlagsOf(c);
        ushort seen = Volatile.Read(ref flags);
        return (seen & (ushort)ConnFlags.Locked) == 0 && Interlocked.CompareExchange(ref flags, (ushort)(seen | (ushort)ConnFlags.Locked), seen) == seen;
    }

    /// <summary>Lets go.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Release<S>(ConnRecord* c)
        where S : struct, IConnSync
    {
        if (!S.LocksRecords) return;
        Interleaving.Step("C2 unlock");
        ref ushort flags = ref FlagsOf(c);
        Volatile.Write(ref flags, (ushort)(flags & ~(ushort)ConnFlags.Locked));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Wait(ConnRecord* c)
    {
        SpinWait spin = default;
        do
        {
            ConnSpin.Once(ref spin, "C1 wait");
        }
        while (!TryTake<SharedSync>(c));
    }

    private static ref ushort FlagsOf(ConnRecord* c) => ref Unsafe.As<ConnFlags, ushort>(ref c->Flags);
}
