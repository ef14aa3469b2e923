using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <summary>
/// Writes the program, XDP or tc, for the templates in use: parse, look up in each template, change, redirect. Each path has constant offsets into the frame, so it stands once for each number of tags. Whatever it is
/// not written for is a miss, and a miss leaves the frame as it came. With tc a tag may lie beside the frame, a frame may stand for several, and a transport checksum may be unfinished; the kernel's helpers know.
/// </summary>
/// <remarks>
/// <code>
/// R6 context   R7 frame   R8 end of the frame, then the slot   R9 this processor's word
/// stack        -128 key, 16 words of 64 bits   -136 kind   -144 interface to leave by   -152 length   -160 port that it came in by   -168 header bits   -176 tags   -192 addresses that move
///              -200 bytes of the frame itself   -208 end of the headers   -216 interface that misses go to   -224 how to leave   -232 packets that the frame stands for   -240 sum of the ports
///              -248 the hit is copied up   -256 number of the slot   -296 what is said of a copy
///              -304 it came out of a tunnel   -312 number of the slot of the rule that says so   -320 length of the whole   -328 bytes that come off   -336 bytes that are put in front   -352 Ethernet header of what is inside
///              -360 port of the device that it came in by
/// kind         tags in the frame, + 4 for IPv6
/// </code>
/// </remarks>
internal sealed partial class KernelProgram
{
    /// <summary>What a miss becomes: the frame goes on to the host's stack, or to the socket that is bound to its queue.</summary>
    private const int XdpPass = 2;
    private const int XdpDrop = 1;
    private const int XdpAborted = 0;
    private const int TcNext = -1;
    private const int TcDrop = 2;

    private const int KeyAt = -128;
    private const int KindAt = -136;
    private const int InterfaceAt = -144;
    private const int LengthAt = -152;
    private const int PortAt = -160;
    private const int HeadersAt = -168;
    private const int TagsAt = -176;
    private const int MacsAt = -192;
    private const int DataLengthAt = -200;
    private const int HeaderEndAt = -208;
    private const int UpcallAt = -216;
    private const int FlagsAt = -224;
    private const int CountAt = -232;
    private const int PortSumAt = -240;
    private const int KindIpv6 = 4;

    private readonly BpfAssembler _a = new();
    private readonly KernelMemory _memory;
    private readonly KernelTemplate[] _templates;
    private readonly bool _countsExactly;
    private readonly bool _isTc;
    private readonly KernelShadow _shadow;
    private readonly KernelFeatures _features;
    private readonly Dictionary<KernelLeft, BpfLabel> _left = [];
    private readonly BpfLabel _miss;
    private readonly BpfLabel _broken;
    private readonly BpfLabel _leave;
    private readonly BpfLabel _hit;
    private readonly BpfLabel _decap;
    private BpfLabel _lookup;

    private KernelProgram(KernelMemory memory, KernelTemplate[] templates, bool isTc, bool countsExactly, KernelShadow shadow, KernelFeatures features)
    {
        (_memory, _templates, _isTc, _countsExactly, _shadow, _features) = (memory, templates, isTc, countsExactly, shadow, features);
        (_miss, _broken, _leave, _lookup, _hit, _decap) = (_a.NewLabel(), _a.NewLabel(), _a.NewLabel(), _a.NewLabel(), _a.NewLabel(), _a.NewLabel());
    }

    private bool Decaps => (_features & KernelFeatures.Decap) != 0;

    private bool Encaps => (_features & KernelFeatures.Encap) != 0;

    private bool SendsSeveral => (_features & KernelFeatures.Several) != 0;

    /// <summary>The program.</summary>
    /// <param name="memory">What it reads and counts in.</param>
    /// <param name="templates">In the order in which they are searched.</param>
    /// <param name="isTc">For tc instead of XDP: misses go to the interface that their port has for them.</param>
    /// <param name="socketMap">XDP: An XSKMAP for misses; -1 = they go to the host's stack.</param>
    /// <param name="countsExactly">Locked additions: exact when several processors hit one rule.</param>
    /// <param name="shadow">Which hits are copied up.</param>
    /// <param name="features">What some rule asks for.</param>
    public static BpfInstruction[] Write(KernelMemory memory, KernelTemplate[] templates, bool isTc = false, int socketMap = -1, bool countsExactly = true, KernelShadow shadow = default, KernelFeatures features = KernelFeatures.None)
    {
        KernelProgram p = new(memory, templates, isTc, countsExactly, shadow, features);
        p.Enter();
        if (templates.Length == 0) p._a.Jump(p._miss);
        else p.Match();
        p.CountLeft();
        p.Leave(socketMap);
        return p._a.Finish();
    }

    /// <summary>All that there is to do with rules.</summary>
    private void Match()
    {
        Parse();
        _a.Place(_lookup);
        Forget();
        ComposeKey();
        foreach (KernelTemplate t in _templates)
        {
            if (!t.IsInside) Lookup(t);
        }

        _a.Jump(_miss);
        if (Decaps) MatchInside();
        Hit();
        BpfLabel again = _a.NewLabel();
        if (_isTc && SendsSeveral) BeginOutputs(again);
        Rewrite();
        if (_isTc) ChangeTags();
        if (Encaps) FinishOuter();
        if (_isTc && SendsSeveral) SendCopy(again);
        Send();

        // What was checked before the frame was changed cannot be otherwise now; the verifier does not know.
        _a.Place(_broken);
        _a.Mov(R0, _isTc ? TcDrop : XdpAborted);
        _a.Jump(_leave);
    }

    /// <summary>
    /// The verifier walks all that follows once for each state that it can tell from another. What the parser has left are constants of its paths, so it would walk it once for each path: with an unknown number twice added
    /// by exclusive or they are the same numbers, and it knows nothing of them.
    /// </summary>
    private void Forget()
    {
        _a.LoadFrom(BpfSize.Double, R2, R9, 0);
        foreach (int at in new[] { KindAt, HeadersAt, TagsAt })
        {
            _a.LoadFrom(BpfSize.Double, R1, R10, at);
            _a.Alu(BpfAlu.Xor, R1, R2);
            _a.Alu(BpfAlu.Xor, R1, R2);
            _a.Store(BpfSize.Double, R10, at, R1);
        }

        for (int word = 4; word < 12; word++)
        {
            if (!Uses(word)) continue;
            _a.LoadFrom(BpfSize.Double, R1, R10, KeyAt + (8 * word));
            _a.Alu(BpfAlu.Xor, R1, R2);
            _a.Alu(BpfAlu.Xor, R1, R2);
            _a.Store(BpfSize.Double, R10, KeyAt + (8 * word), R1);
        }
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

        _a.LoadFrom(BpfSize.Word, R7, R6, DataOfContext);
        _a.LoadFrom(BpfSize.Word, R8, R6, EndOfContext);
        _a.Store(BpfSize.Double, R10, HeadersAt, 0);
        _a.Store(BpfSize.Double, R10, TagsAt, 0);
        _a.Store(BpfSize.Double, R10, UpcallAt, 0);
        if (Decaps) _a.Store(BpfSize.Double, R10, InsideAt, 0);
        if (Encaps) _a.Store(BpfSize.Double, R10, FrontAt, 0);
        MeasureFrame();

        _a.LoadFrom(BpfSize.Word, R1, R6, _isTc ? SkbInterface : XdpInterface);
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
        if (_isTc) FindUpcall();
        _a.ToBigEndian(R1, 32);
        _a.Store(BpfSize.Double, R10, PortAt, R1);
        if (Decaps) _a.Store(BpfSize.Double, R10, DevicePortAt, R1);

        _a.LoadMapValue(R2, _memory.Control.Descriptor, L.Matching);
        _a.LoadFrom(BpfSize.Double, R1, R2, 0);
        _a.Jump(BpfJump.NotEqual, R1, 0, isOn);
        _a.Jump(_miss);
        _a.Place(isOn);
    }

    /// <summary>A rule was found, R8 is its slot: whether it may be used now, what is left to check, and it counts.</summary>
    private void Hit()
    {
        BpfLabel hasTtl = _a.NewLabel(), mayGo = _a.NewLabel(), drops = _a.NewLabel(), counted = _a.NewLabel();
        _a.Place(_hit);
        _a.LoadFrom(BpfSize.Half, R1, R8, L.Gate);
        _a.Alu(BpfAlu.And, R1, L.GateCount - 1);
        _a.Alu(BpfAlu.Lsh, R1, 2);
        _a.LoadMapValue(R2, _memory.Control.Descriptor, L.Gates);
        _a.Alu(BpfAlu.Add, R2, R1);
        _a.LoadFrom(BpfSize.Word, R1, R2, 0);
        _a.Jump(BpfJump.NotEqual, R1, 0, _miss);
        KernelFlags unknown = (Decaps ? 0 : KernelFlags.Decap) | (Encaps ? 0 : KernelFlags.Encap) | (SendsSeveral && _isTc ? 0 : KernelFlags.Several);
        if (Decaps || unknown != KernelFlags.None)
        {
            // The rule may have come with the program behind this one: what is not written here is software's.
            _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
            if (Decaps) _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.Decap, _decap);
            if (unknown != KernelFlags.None) _a.Jump(BpfJump.AnyBit, R1, (int)unknown, _miss);
        }

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
        _a.LoadFrom(BpfSize.Word, R3, R2, L.PortFlags);
        if (_isTc)
        {
            _a.Alu(BpfAlu.And, R3, L.IntoStack);
            _a.Store(BpfSize.Double, R10, FlagsAt, R3);
        }
        else
        {
            BpfLabel takes = _a.NewLabel();
            _a.Jump(BpfJump.AnyBit, R3, L.TakesXdp, takes);
            _a.Jump(_miss);
            _a.Place(takes);
        }

        _a.LoadFrom(BpfSize.Word, R2, R2, L.PortMaxFrame);
        _a.LoadFrom(BpfSize.Double, R3, R10, LengthAt);
        if (_isTc) LengthOfSegment();
        if (Encaps) AddFront();
        _a.Jump(BpfJump.Above, R3, R2, _miss);
        _a.Store(BpfSize.Double, R10, InterfaceAt, R1);
        if (_isTc && SendsSeveral) CheckOutputs();
        if (Encaps) CheckInner();
        _a.Place(drops);
        SampleHit();
        if (Decaps) TakeOff();
        if (!_isTc) MakeRoom();
        if (Encaps) PutOn();

        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.Count, mayGo);
        _a.Jump(counted);
        _a.Place(mayGo);
        _a.LoadFrom(BpfSize.Double, R3, R10, LengthAt);
        _a.Mov(R2, 1);
        if (_isTc) CountSegments();
        AddTo(L.Packets, R2);
        AddTo(L.Bytes, R3);
        _a.LoadMapValue(R2, _memory.Control.Descriptor, L.Clock);
        _a.LoadFrom(BpfSize.Double, R2, R2, 0);
        _a.Store(BpfSize.Double, R8, L.Last, R2);
        _a.Place(counted);
        if (Decaps) CountOuter();
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

    /// <summary>Where the frame of a hit goes.</summary>
    private void Send()
    {
        SampleOutput();
        _a.LoadFrom(BpfSize.Double, R1, R10, InterfaceAt);
        _a.Mov(R0, _isTc ? TcDrop : XdpDrop);
        _a.Jump(BpfJump.Equal, R1, 0, _leave);
        _a.Mov(R2, 0);
        if (_isTc) _a.LoadFrom(BpfSize.Double, R2, R10, FlagsAt);
        _a.Call(BpfHelper.Redirect);
        _a.Jump(_leave);
    }

    /// <summary>Where the frame of a miss goes, and P6.</summary>
    private void Leave(int socketMap)
    {
        _a.Place(_miss);
        _a.Mov(R0, _isTc ? TcNext : XdpPass);
        if (_isTc)
        {
            _a.LoadFrom(BpfSize.Double, R1, R10, UpcallAt);
            _a.Jump(BpfJump.Equal, R1, 0, _leave);
            _a.Mov(R2, 0);
            _a.Call(BpfHelper.Redirect);
        }
        else if (socketMap >= 0)
        {
            _a.LoadFrom(BpfSize.Word, R2, R6, XdpQueue);
            _a.LoadMap(R1, socketMap);
            _a.Mov(R3, XdpPass);
            _a.Call(BpfHelper.RedirectMap);
        }

        _a.Place(_leave);
        _a.LoadFrom(BpfSize.Double, R1, R9, 0);
        _a.Alu(BpfAlu.Sub, R1, 1);
        _a.Store(BpfSize.Double, R9, 0, R1);
        _a.Exit();
    }
}
