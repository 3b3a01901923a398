package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// compile parses every .proto file of dir into the request that protoc would send to a plugin.
// Comments are kept: they become the doc comments of the Go code.
func compile(ctx context.Context, dir, module string) (*pluginpb.CodeGeneratorRequest, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.proto"))
	if err != nil {
		return nil, fmt.Errorf("list .proto files: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no .proto file in %s", dir)
	}
	request := &pluginpb.CodeGeneratorRequest{Parameter: proto.String("module=" + module)}
	for _, path := range paths {
		request.FileToGenerate = append(request.FileToGenerate, filepath.Base(path))
	}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{dir}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(ctx, request.FileToGenerate...)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	seen := make(map[string]bool)
	for _, file := range files {
		request.ProtoFile = appendWithImports(request.ProtoFile, file, seen)
	}
	return request, nil
}

// appendWithImports adds a file after the files it imports: the order that plugins rely on.
func appendWithImports(
	list []*descriptorpb.FileDescriptorProto, file protoreflect.FileDescriptor, seen map[string]bool,
) []*descriptorpb.FileDescriptorProto {
	if seen[file.Path()] {
		return list
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		list = appendWithImports(list, file.Imports().Get(i).FileDescriptor, seen)
	}
	return append(list, protodesc.ToFileDescriptorProto(file))
}

// generate asks each plugin in turn and returns the code by file name, relative to the out directory.
func generate(ctx context.Context, request *pluginpb.CodeGeneratorRequest, programs []string) (map[string]string, error) {
	input, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	code := make(map[string]string)
	for _, program := range programs {
		response, err := ask(ctx, program, input)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", filepath.Base(program), err)
		}
		for _, file := range response.GetFile() {
			if file.GetInsertionPoint() != "" {
				return nil, fmt.Errorf("run %s: insertion point %q is not supported", filepath.Base(program), file.GetInsertionPoint())
			}
			code[file.GetName()] = file.GetContent()
		}
	}
	return code, nil
}

// ask runs one plugin: the request on its standard input, the response on its standard output.
func ask(ctx context.Context, program string, input []byte) (*pluginpb.CodeGeneratorResponse, error) {
	cmd := exec.CommandContext(ctx, program)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	response := new(pluginpb.CodeGeneratorResponse)
	if err := proto.Unmarshal(output, response); err != nil {
		return nil, fmt.Errorf("decode response: %w", err)
	}
	if response.GetError() != "" {
		return nil, errors.New(response.GetError())
	}
	return response, nil
}
