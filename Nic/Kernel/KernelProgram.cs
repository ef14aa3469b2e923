using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <summary>
/// Writes the XDP program for the templates in use: parse, look up in each template, change, redirect. Each path has constant offsets into the frame, so it stands once for each number of tags. Whatever it is
/// not written for is a miss, and a miss leaves the frame as it came.
/// </summary>
/// <remarks>
/// <code>
/// R6 context   R7 frame   R8 end of the frame, then the slot   R9 this processor's word
/// stack        -128 key, 16 words of 64 bits   -136 kind   -144 interface to leave by   -152 length   -160 port that it came in by   -168 header bits   -176 tags   -192 addresses that move
/// kind         tags in the frame, + 4 for IPv6
/// </code>
/// </remarks>
internal sealed partial class KernelProgram
{
    /// <summary>What a miss becomes: the frame goes on to the host's stack, or to the socket that is bound to its queue.</summary>
    private const int XdpPass = 2;
    private const int XdpDrop = 1;
    private const int XdpAborted = 0;

    private const int KeyAt = -128;
    private const int KindAt = -136;
    private const int InterfaceAt = -144;
    private const int LengthAt = -152;
    private const int PortAt = -160;
    private const int HeadersAt = -168;
    private const int TagsAt = -176;
    private const int MacsAt = -192;
    private const int KindIpv6 = 4;

    private readonly BpfAssembler _a = new();
    private readonly KernelMemory _memory;
    private readonly KernelTemplate[] _templates;
    private readonly bool _countsExactly;
    private readonly BpfLabel _miss;
    private readonly BpfLabel _broken;
    private readonly BpfLabel _leave;
    private readonly BpfLabel _lookup;
    private readonly BpfLabel _hit;

    private KernelProgram(KernelMemory memory, KernelTemplate[] templates, bool countsExactly)
    {
        (_memory, _templates, _countsExactly) = (memory, templates, countsExactly);
        (_miss, _broken, _leave, _lookup, _hit) = (_a.NewLabel(), _a.NewLabel(), _a.NewLabel(), _a.NewLabel(), _a.NewLabel());
    }

    /// <summary>The program.</summary>
    /// <param name="memory">What it reads and counts in.</param>
    /// <param name="templates">In the order in which they are searched.</param>
    /// <param name="socketMap">An XSKMAP for misses; -1 = they go to the host's stack.</param>
    /// <param name="countsExactly">Locked additions: exact when several processors hit one rule.</param>
    public static BpfInstruction[] Write(KernelMemory memory, KernelTemplate[] templates, int socketMap = -1, bool countsExactly = true)
    {
        KernelProgram p = new(memory, templates, countsExactly);
        p.Enter();
        p.Parse();
        p._a.Place(p._lookup);
        p.ComposeKey();
        foreach (KernelTemplate t in templates) p.Lookup(t);
        p._a.Jump(p._miss);
        p.Hit();
        p.Rewrite();
        p.Leave(socketMap);
        return p._a.Finish();
    }

    /// <summary>P1, and whether there is anything to do: frames of unknown interfaces are not the switch's.</summary>
    private void Enter()
    {
        BpfLabel isOn = _a.NewLabel(), isKnown = _a.NewLabel();
        _a.Mov(R6, R1);
        _a.Call(BpfHelper.ProcessorId);
        _a.Alu(BpfAlu.And, R0, L.MaxProcessors - 1);
        _a.Alu(BpfAlu.Mul, R0, L.ReaderBytes);
        _a.LoadMapValue(R9, _memory.Control.Descriptor, L.Readers);
        _a.Alu(BpfAlu.Add, R9, R0);
        _a.Mov(R1, 1);
        _a.Atomic(BpfAtomic.Add, BpfSize.Double, R9, 0, R1);

        _a.LoadFrom(BpfSize.Word, R7, R6, 0);
        _a.LoadFrom(BpfSize.Word, R8, R6, 4);
        _a.Mov(R1, R8);
        _a.Alu(BpfAlu.Sub, R1, R7);
        _a.Store(BpfSize.Double, R10, LengthAt, R1);
        _a.Store(BpfSize.Double, R10, HeadersAt, 0);
        _a.Store(BpfSize.Double, R10, TagsAt, 0);

        _a.LoadMapValue(R2, _memory.Control.Descriptor, L.Matching);
        _a.LoadFrom(BpfSize.Double, R1, R2, 0);
        _a.Jump(BpfJump.NotEqual, R1, 0, isOn);
        _a.Jump(_miss);
        _a.Place(isOn);

        _a.LoadFrom(BpfSize.Word, R1, R6, 12);
        _a.Mov(R2, R1);
        _a.Alu(BpfAlu.And, R2, L.DeviceCount - 1);
        _a.Alu(BpfAlu.Lsh, R2, 3);
        _a.LoadMapValue(R3, _memory.Control.Descriptor, L.Devices);
        _a.Alu(BpfAlu.Add, R3, R2);
        _a.LoadFrom(BpfSize.Word, R2, R3, 0);
        _a.Jump(BpfJump.Equal, R1, R2, isKnown);
        _a.Jump(_miss);
        _a.Place(isKnown);
        _a.LoadFrom(BpfSize.Word, R1, R3, 4);
        _a.ToBigEndian(R1, 32);
        _a.Store(BpfSize.Double, R10, PortAt, R1);
    }

    /// <summary>A rule was found, R8 is its slot: whether it may be used now, what is left to check, and it counts.</summary>
    private void Hit()
    {
        BpfLabel hasTtl = _a.NewLabel(), mayGo = _a.NewLabel(), drops = _a.NewLabel(), counted = _a.NewLabel();
        _a.Place(_hit);
        _a.LoadFrom(BpfSize.Half, R1, R8, L.Gate);
        _a.Alu(BpfAlu.And, R1, L.GateCount - 1);
        _a.Alu(BpfAlu.Lsh, R1, 3);
        _a.LoadMapValue(R2, _memory.Control.Descriptor, L.Gates);
        _a.Alu(BpfAlu.Add, R2, R1);
        _a.LoadFrom(BpfSize.Double, R1, R2, 0);
        _a.Jump(BpfJump.NotEqual, R1, 0, _miss);

        // A frame whose TTL would not stay above 0 is software's.
        _a.LoadFrom(BpfSize.Byte, R1, R8, L.MinTtl);
        _a.Jump(BpfJump.Equal, R1, 0, hasTtl);
        _a.LoadFrom(BpfSize.Byte, R2, R10, KeyAt + 34);
        _a.Jump(BpfJump.BelowOrEqual, R2, R1, _miss);
        _a.Place(hasTtl);

        _a.LoadFrom(BpfSize.Word, R1, R8, L.Port);
        _a.Store(BpfSize.Double, R10, InterfaceAt, 0);
        _a.Jump32(BpfJump.Equal, R1, -1, drops);
        _a.Alu(BpfAlu.And, R1, L.PortCount - 1);
        _a.Alu(BpfAlu.Mul, R1, L.PortBytes);
        _a.LoadMapValue(R2, _memory.Control.Descriptor, L.Ports);
        _a.Alu(BpfAlu.Add, R2, R1);
        _a.LoadFrom(BpfSize.Word, R1, R2, 0);
        _a.Jump(BpfJump.Equal, R1, 0, _miss);
        _a.LoadFrom(BpfSize.Word, R2, R2, L.PortMaxFrame);
        _a.LoadFrom(BpfSize.Double, R3, R10, LengthAt);
        _a.Jump(BpfJump.Above, R3, R2, _miss);
        _a.Store(BpfSize.Double, R10, InterfaceAt, R1);
        _a.Place(drops);
        MakeRoom();

        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.Count, mayGo);
        _a.Jump(counted);
        _a.Place(mayGo);
        _a.LoadFrom(BpfSize.Double, R3, R10, LengthAt);
        AddTo(L.Packets, 1);
        AddTo(L.Bytes, R3);
        _a.LoadMapValue(R2, _memory.Control.Descriptor, L.Clock);
        _a.LoadFrom(BpfSize.Double, R2, R2, 0);
        _a.Store(BpfSize.Double, R8, L.Last, R2);
        _a.Place(counted);
    }

    private void AddTo(int at, int value)
    {
        _a.Mov(R2, value);
        AddTo(at, R2);
    }

    private void AddTo(int at, BpfRegister value)
    {
        if (_countsExactly)
        {
            _a.Atomic(BpfAtomic.Add, BpfSize.Double, R8, at, value);
            return;
        }

        _a.LoadFrom(BpfSize.Double, R4, R8, at);
        _a.Alu(BpfAlu.Add, R4, value);
        _a.Store(BpfSize.Double, R8, at, R4);
    }

    /// <summary>P6, and where the frame goes.</summary>
    private void Leave(int socketMap)
    {
        BpfLabel drop = _a.NewLabel();
        _a.LoadFrom(BpfSize.Double, R1, R10, InterfaceAt);
        _a.Mov(R0, XdpDrop);
        _a.Jump(BpfJump.Equal, R1, 0, drop);
        _a.Mov(R2, 0);
        _a.Call(BpfHelper.Redirect);
        _a.Place(drop);
        _a.Place(_leave);
        _a.LoadFrom(BpfSize.Double, R1, R9, 0);
        _a.Alu(BpfAlu.Sub, R1, 1);
        _a.Store(BpfSize.Double, R9, 0, R1);
        _a.Exit();

        _a.Place(_miss);
        _a.Mov(R0, XdpPass);
        if (socketMap >= 0)
        {
            _a.LoadFrom(BpfSize.Word, R2, R6, 16);
            _a.LoadMap(R1, socketMap);
            _a.Mov(R3, XdpPass);
            _a.Call(BpfHelper.RedirectMap);
        }

        _a.Jump(_leave);

        // What was checked before the frame was changed cannot be otherwise now; the verifier does not know.
        _a.Place(_broken);
        _a.Mov(R0, XdpAborted);
        _a.Jump(_leave);
    }
}
