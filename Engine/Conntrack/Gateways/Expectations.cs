using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>
/// Expectations are few: a fixed number of them in chains by hash, made when a control connection announces something, gone with that connection. A new
/// connection that was expected is related to it: it starts with its mark and label, is translated as it is, and shows its tuple as the original one.
/// </remarks>
public sealed unsafe partial class ConnTracker
{
    /// <summary>Most expectations; further announcements are not heard.</summary>
    public const int MaxExpectations = 4096;

    private const int ExpectationChains = 1024;

    /// <summary>Number 0 stands for "none".</summary>
    private readonly CtExpectation* _expectations;

    private readonly int* _expectationChains;
    private int _freeExpectation;
    private int _expectationHighWater = 1;

    /// <summary>Control tuples of related connections by connection id; allocated with the first one.</summary>
    private ParentTuple* _parents;

    /// <summary>Connections that are expected.</summary>
    public int ExpectationCount { get; private set; }

    /// <summary>The control connection <paramref name="id"/> announced a connection to <paramref name="port"/> (network order) (OVS <c>expectation_create</c>).</summary>
    private void Expect(Packet* packet, int id, ushort port)
    {
        ConnRecord* c = _view.Conn(id);
        ConnAddresses* a = _view.Addresses(id);
        bool isDst = c->Nat == NatKind.Dst;
        bool fromReply = (packet->Key.CtState & CtState.Rpl) != 0;
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
        if (FindExpectation(e.Key, e.Src6, e.Dst6) != 0) return;

        int index = _freeExpectation;
        if (index != 0) _freeExpectation = _expectations[index].Next;
        else if (_expectationHighWater <= MaxExpectations) index = _expectationHighWater++;
        else return;
        int* chain = _expectationChains + ChainOf(e.Key);
        e.Next = *chain;
        *chain = index;
        _expectations[index] = e;
        ExpectationCount++;
    }

    /// <summary>The expectation that a packet with this tuple fulfils, 0 = none.</summary>
    private int FindExpectation(ConnKey key, in Ipv6Address src6, in Ipv6Address dst6)
    {
        if (ExpectationCount == 0) return 0;
        key.SrcPort = 0;
        for (int i = _expectationChains[ChainOf(key)]; i != 0; i = _expectations[i].Next)
        {
            CtExpectation* e = _expectations + i;
            if (!ConnKey.Same(e->Key, key)) continue;
            if ((key.Aux & ConnKey.AuxIpv6) == 0 || (e->Src6 == src6 && e->Dst6 == dst6)) return i;
        }

        return 0;
    }

    /// <summary>The control connection has gone, and with it what it announced (OVS <c>expectation_clean</c>).</summary>
    private void ForgetExpectations(int id)
    {
        ConnKey parent = _view.Conn(id)->Fwd;
        for (int chain = 0; ExpectationCount > 0 && chain < ExpectationChains; chain++)
        {
            int* link = _expectationChains + chain;
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
                e->Next = _freeExpectation;
                _freeExpectation = index;
                ExpectationCount--;
            }
        }
    }

    /// <summary>A new connection was expected: it inherits, and is translated if the action translates anything.</summary>
    private void Relate(int id, int expectation, bool nat)
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

    private int ChainOf(in ConnKey key) => (int)((uint)_view.Hash.Mix(key.Addrs, key.Tail) % ExpectationChains);

    [StructLayout(LayoutKind.Sequential)]
    private struct ParentTuple
    {
        public ConnKey Key;
        public Ipv6Address Src;
        public Ipv6Address Dst;
    }
}
