using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Tests;

/// <summary>Finds in compiled methods a store of a whole value that the store of its first field follows (docs/adr/0007).</summary>
internal static class IlStores
{
    /// <summary>Up to this size the compiler handles a value as one or two registers, not as a block.</summary>
    private const int MaxRegistersBytes = 16;

    private const BindingFlags Own = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> s_opCodes = typeof(OpCodes).GetFields().Select(f => f.GetValue(null)).OfType<OpCode>().ToDictionary(o => o.Value);

    /// <summary>Each such place: type, method, and the field that is stored second.</summary>
    public static IEnumerable<string> FirstFieldBehindWhole(Assembly assembly) =>
        assembly.GetTypes().SelectMany(t => t.GetMethods(Own).Concat<MethodBase>(t.GetConstructors(Own))).SelectMany(FirstFieldBehindWhole);

    /// <summary>The places in one method.</summary>
    public static IEnumerable<string> FirstFieldBehindWhole(MethodBase method)
    {
        Type? whole = null;
        OpCode before = OpCodes.Nop;
        foreach ((OpCode code, int token) in Read(method))
        {
            object? operand = token == 0 ? null : Resolve(method, token);
            if (whole is not null && operand is FieldInfo field && code == OpCodes.Stfld && IsFirst(field, whole)) yield return $"{method.DeclaringType}.{method.Name}: {field.Name}";
            if (whole is not null && operand is Type part && (code == OpCodes.Initobj || code == OpCodes.Stobj) && part != whole && FirstFields(whole).Any(f => f.FieldType == part && IsBlock(part)))
                yield return $"{method.DeclaringType}.{method.Name}: {part.Name}";

            // A local variable is not reached through an address: it is cleared as it should be.
            bool isWhole = (code == OpCodes.Stobj || code == OpCodes.Initobj || code == OpCodes.Stelem) && !(code == OpCodes.Initobj && before.Name!.StartsWith("ldloca", StringComparison.Ordinal));
            if (isWhole) whole = operand as Type;
            else if (code == OpCodes.Stfld || code == OpCodes.Stsfld) whole = (operand as FieldInfo)?.FieldType is { IsValueType: true, IsPrimitive: false } type ? type : null;
            else if (code.FlowControl is FlowControl.Branch or FlowControl.Cond_Branch or FlowControl.Return || code.Name!.StartsWith("stind", StringComparison.Ordinal)) whole = null;
            before = code;
        }
    }

    private static bool IsFirst(FieldInfo field, Type whole) => FirstFields(whole).Any(f => f.DeclaringType == field.DeclaringType && f.Name == field.Name) && IsBlock(field.FieldType);

    /// <summary>The field at the beginning of a structure, the one at the beginning of that, and so on.</summary>
    private static IEnumerable<FieldInfo> FirstFields(Type type)
    {
        while (type is { IsValueType: true, IsPrimitive: false, IsEnum: false })
        {
            FieldInfo? first = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                .OrderBy(f => f.GetCustomAttribute<FieldOffsetAttribute>()?.Value ?? 0).ThenByDescending(f => SizeOf(f.FieldType)).FirstOrDefault(f => type.IsExplicitLayout)
                ?? type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).MinBy(f => f.MetadataToken);
            if (first is null || first.FieldType == type) yield break;
            yield return first;
            type = first.FieldType;
        }
    }

    private static bool IsBlock(Type type) =>
        type is { IsValueType: true, IsPrimitive: false, IsEnum: false } && type.Namespace != "System.Runtime.Intrinsics" && SizeOf(type) > MaxRegistersBytes;

    private static int SizeOf(Type type)
    {
        if (type.ContainsGenericParameters || type.IsByRefLike || type.IsByRef || type.IsPointer) return IntPtr.Size;
        return (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
    }

    private static object? Resolve(MethodBase method, int token)
    {
        try
        {
            Type[]? ofType = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
            return method.Module.ResolveMember(token, ofType, method.IsGenericMethod ? method.GetGenericArguments() : null);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Instructions with their operand, where it is a type, a field or a method.</summary>
    private static IEnumerable<(OpCode Code, int Token)> Read(MethodBase method)
    {
        byte[] il = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (int at = 0; at < il.Length;)
        {
            short value = il[at] == 0xfe ? (short)((0xfe << 8) | il[at + 1]) : il[at];
            at += il[at] == 0xfe ? 2 : 1;
            OpCode code = s_opCodes[value];
            bool isToken = code.OperandType is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineType or OperandType.InlineTok;
            yield return (code, isToken ? BitConverter.ToInt32(il, at) : 0);
            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (BitConverter.ToInt32(il, at) * 4),
                _ => 4,
            };
        }
    }
}
