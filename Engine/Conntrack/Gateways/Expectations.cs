using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>The connections that control connections have announced.</summary>
/// <remarks>
/// Expectations are few: a fixed number of them in chains by hash, made when a control connection announces something, gone with that connection. A new
/// connection that was expected is related to it: it starts with its mark and label, is translated as it is, and shows its tuple as the original one.
/// </remarks>
internal sealed unsafe class Expectations
{
    /// <inheritdoc cref="ConnTracker.MaxExpectations"/>
    public const int Max = 4096;

    private const int ChainCount = 1024;

    private readonly ConnMemory _memory;
    private readonly ConnView _view;

    /// <summary>Number 0 stands for "none".</summary>
    private readonly CtExpectation* _expectations;

    private readonly int* _chains;
    private int _free;
    private int _highWater = 1;
    private int _count;
    private int _lock;

    /// <summary>Control tuples of related connections by connection id; reserved with the first one.</summary>
    private ParentTuple* _parents;

    public Expectations(ConnMemory memory, in ConnView view)
    {
        _memory = memory;
        _view = view;
        _expectations = memory.Reserve<CtExpectation>(Max + 1);
        _chains = memory.Reserve<int>(ChainCount);
    }

    /// <inheritdoc cref="ConnTracker.ExpectationCount"/>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Tuple of the connection that announced connection <paramref name="id"/>, which is a related one.</summary>
    public ref readonly ParentTuple ParentOf(int id) => ref _parents[id];

    /// <summary>The control connection <paramref name="id"/> announced a connection to <paramref name="port"/> (network order) (OVS <c>expectation_create</c>).</summary>
    public void Expect<S>(int id, bool fromReply, ushort port)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        ConnAddresses* a = _view.Addresses(id);
        bool isDst = c->Nat == NatKind.Dst;
        CtExpectation e = default;
        e.Key = fromReply ? c->Fwd : c->Rev;
        e.Key.SrcPort = 0;
        e.Key.DstPort = port;
        if (c->IsIpv6) (e.Src6, e.Dst6) = fromReply ? (a->FwdSrc, a->FwdDst) : (a->RevSrc, a->RevDst);

        // The announced connection is translated as the control connection is, whichever end opens it.
        e.ReplacesDestination = fromReply != isDst;
        (e.Replacement, e.Replacement6) = (fromReply, isDst) switch
        {
            (true, true) => (c->Rev.Src, a->RevSrc),
            (true, false) => (c->Rev.Dst, a->RevDst),
            (false, true) => (c->Fwd.Dst, a->FwdDst),
            (false, false) => (c->Fwd.Src, a->FwdSrc),
        };
        e.ParentKey = c->Fwd;
        if (c->IsIpv6) (e.ParentSrc6, e.ParentDst6) = (a->FwdSrc, a->FwdDst);
        (e.Mark, e.Label) = (c->Mark, c->Label);
        ConnWord.Take<S>(ref _lock);
        if (IndexOf(e.Key, e.Src6, e.Dst6) == 0) Add(e);
        ConnWord.Release<S>(ref _lock);
    }

    private void Add(in CtExpectation e)
    {
        int index = _free;
        if (index != 0) _free = _expectations[index].Next;
        else if (_highWater <= Max) index = _highWater++;
        else return;
        int* chain = _chains + ChainOf(e.Key);
        _expectations[index] = e;
        _expectations[index].Next = *chain;
        *chain = index;
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>The expectation that a packet with this tuple fulfils, as it is now; false = none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFind<S>(in ConnKey key, in Ipv6Address src6, in Ipv6Address dst6, ref CtExpectation found)
        where S : struct, IConnSync
        => Count != 0 && TryCopy<S>(key, src6, dst6, ref found);

    private bool TryCopy<S>(in ConnKey key, in Ipv6Address src6, in Ipv6Address dst6, ref CtExpectation found)
        where S : struct, IConnSync
    {
        ConnWord.Take<S>(ref _lock);
        int index = IndexOf(key, src6, dst6);
        if (index != 0) found = _expectations[index];
        ConnWord.Release<S>(ref _lock);
        return index != 0;
    }

    private int IndexOf(ConnKey key, in Ipv6Address src6, in Ipv6Address dst6)
    {
        key.SrcPort = 0;
        for (int i = _chains[ChainOf(key)]; i != 0; i = _expectations[i].Next)
        {
            CtExpectation* e = _expectations + i;
            if (!ConnKey.Same(e->Key, key)) continue;
            if ((key.Aux & ConnKey.AuxIpv6) == 0 || (e->Src6 == src6 && e->Dst6 == dst6)) return i;
        }

        return 0;
    }

    /// <summary>The control connection has gone, and with it what it announced (OVS <c>expectation_clean</c>).</summary>
    public void Forget<S>(int id)
        where S : struct, IConnSync
    {
        if (Count == 0) return;
        ConnWord.Take<S>(ref _lock);
        Forget(id);
        ConnWord.Release<S>(ref _lock);
    }

    private void Forget(int id)
    {
        ConnKey parent = _view.Conn(id)->Fwd;
        for (int chain = 0; _count > 0 && chain < ChainCount; chain++)
        {
            int* link = _chains + chain;
            while (*link != 0)
            {
                int index = *link;
                CtExpectation* e = _expectations + index;
                bool isOurs = ConnKey.Same(e->ParentKey, parent)
                    && ((parent.Aux & ConnKey.AuxIpv6) == 0 || (e->ParentSrc6 == _view.Addresses(id)->FwdSrc && e->ParentDst6 == _view.Addresses(id)->FwdDst));
                if (!isOurs)
                {
                    link = &e->Next;
                    continue;
                }

                *link = e->Next;
                e->Next = _free;
                _free = index;
                Volatile.Write(ref _count, _count - 1);
            }
        }
    }

    /// <summary>A new connection was expected: it is translated as its control connection is.</summary>
    public void Translate(int id, in CtExpectation e)
    {
        ConnRecord* c = _view.Conn(id);
        c->Nat = e.ReplacesDestination ? NatKind.Src : NatKind.Dst;
        if (e.ReplacesDestination)
        {
            c->Rev.Dst = e.Replacement;
            if (c->IsIpv6) _view.Addresses(id)->RevDst = e.Replacement6;
        }
        else
        {
            c->Rev.Src = e.Replacement;
            if (c->IsIpv6) _view.Addresses(id)->RevSrc = e.Replacement6;
        }
    }

    /// <summary>It inherits the mark and the label; the caller holds it, and sets <see cref="ConnFlags.Related"/>.</summary>
    public void Inherit<S>(int id, in CtExpectation e)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        (c->Mark, c->Label) = (e.Mark, e.Label);
        if (_parents == null) ReserveParents<S>();
        _parents[id] = new ParentTuple { Key = e.ParentKey, Src = e.ParentSrc6, Dst = e.ParentDst6 };
    }

    private void ReserveParents<S>()
        where S : struct, IConnSync
    {
        ConnWord.Take<S>(ref _lock);
        if (_parents == null) _parents = _memory.Reserve<ParentTuple>(_view.Capacity + 1);
        ConnWord.Release<S>(ref _lock);
    }

    private int ChainOf(in ConnKey key) => (int)((uint)_view.Hash.Mix(key.Addrs, key.Tail) % ChainCount);

    /// <summary>A tuple with its addresses.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ParentTuple
    {
        public ConnKey Key;
        public Ipv6Address Src;
        public Ipv6Address Dst;
    }
}
