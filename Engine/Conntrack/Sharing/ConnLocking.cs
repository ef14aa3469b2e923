using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>What <see cref="ConnLock"/> does where threads share connections. One that is alone does nothing: not even its lock is looked at, as it would be by a method of its own.</summary>
internal static unsafe class ConnLocking
{
    /// <summary>Waits for the record, and holds it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Take<S>(this ConnLock by, ConnRecord* c)
        where S : struct, IConnSync
    {
        if (S.LocksRecords) by.TakeShared<S>(c);
    }

    /// <summary>Holds the record if nobody else does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryTake<S>(this ConnLock by, ConnRecord* c)
        where S : struct, IConnSync
        => !S.LocksRecords || by.TryTakeShared<S>(c);

    /// <summary>Lets go of the record, unless this thread keeps it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Release<S>(this ConnLock by, ConnRecord* c)
        where S : struct, IConnSync
    {
        if (S.LocksRecords) by.ReleaseShared(c);
    }

    /// <summary>The same behind a packet of an established connection, after which the thread may keep the record.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReleaseEstablished<S>(this ConnLock by, ConnRecord* c, bool reply)
        where S : struct, IConnSync
    {
        if (S.LocksRecords) by.ReleaseEstablishedShared(c, reply);
    }

    /// <summary>The connection has ended: whoever has the slot next is not the one who kept it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Forget<S>(this ConnLock by, ConnRecord* c)
        where S : struct, IConnSync
    {
        if (S.LocksRecords) by.ForgetShared(c);
    }
}
