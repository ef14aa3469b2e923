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
    public int Count { get; private set; }

    /// <summary>An expectation that <see cref="Find"/> has found.</summary>
    public ref readonly CtExpectation At(int index) => ref _expectations[index];

    /// <summary>Tuple of the connection that announced connection <paramref name="id"/>, which is a related one.</summary>
    public ref readonly ParentTuple ParentOf(int id) => ref _parents[id];

    /// <summary>The control connection <paramref name="id"/> announced a connection to <paramref name="port"/> (network order) (OVS <c>expectation_create</c>).</summary>
    public void Expect(int id, bool fromReply, ushort port)
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
        if (Find(e.Key, e.Src6, e.Dst6) != 0) return;

        int index = _free;
        if (index != 0) _free = _expectations[index].Next;
        else if (_highWater <= Max) index = _highWater++;
        else return;
        int* chain = _chains + ChainOf(e.Key);
        e.Next = *chain;
        *chain = index;
        _expectations[index] = e;
        Count++;
    }

    /// <summary>The expectation that a packet with this tuple fulfils, 0 = none.</summary>
    public int Find(ConnKey key, in Ipv6Address src6, in Ipv6Address dst6)
    {
        if (Count == 0) return 0;
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
    public void Forget(int id)
    {
        ConnKey parent = _view.Conn(id)->Fwd;
        for (int chain = 0; Count > 0 && chain < ChainCount; chain++)
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
                Count--;
            }
        }
    }

    /// <summary>A new connection was expected: it inherits, and is translated if the action translates anything.</summary>
    public void Relate(int id, int expectation, bool nat)
    {
        ref CtExpectation e = ref _expectations[expectation];
        ConnRecord* c = _view.Conn(id);
        c->Flags |= ConnFlags.Related;
        (c->Mark, c->Label) = (e.Mark, e.Label);
        if (_parents == null) _parents = _memory.Reserve<ParentTuple>(_view.Capacity + 1);
        _parents[id] = new ParentTuple { Key = e.ParentKey, Src = e.ParentSrc6, Dst = e.ParentDst6 };
        if (!nat) return;
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
